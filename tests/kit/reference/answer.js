// Reads a list of questions as JSON from the standard input, and writes the list of answers.
import { readFileSync } from "node:fs";
import { Webhook } from "standardwebhooks";

function answer({ secret, id, timestamp, body, headers }) {
  const webhook = new Webhook(secret);
  const text = Buffer.from(body, "base64").toString();
  if (headers === undefined) {
    return webhook.sign(id, new Date(timestamp * 1000), text);
  }
  try {
    webhook.verify(text, headers);
    return true;
  } catch (error) {
    return error.constructor.name === "WebhookVerificationError" ? false : String(error);
  }
}

console.log(JSON.stringify(JSON.parse(readFileSync(0, "utf8")).map(answer)));
