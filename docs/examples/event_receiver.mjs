// Receives events: verifies each, knows a repetition, answers at once. Needs Node 18 and the package standardwebhooks.
//
// SUBSCRIPTION_SECRET=whsec_… PORT=9000 node event_receiver.mjs
import { createServer } from "node:http";
import { buffer } from "node:stream/consumers";
import { Webhook } from "standardwebhooks";

const webhook = new Webhook(process.env.SUBSCRIPTION_SECRET);
const done = new Set(); // In earnest a table with a unique column, written in the transaction of what you do.

// Answers 2xx when it has the event, 400 when it is not from Heardback. Anything else is tried again later.
const server = createServer(async (request, response) => {
  const body = await buffer(request); // The bytes as they came: they are what is signed.
  let event;
  try {
    event = webhook.verify(body, request.headers);
  } catch {
    response.writeHead(400).end("The signature does not fit\n");
    return;
  }
  if (!done.has(event.id)) { // Each event may come more than once, always under the same id.
    handle(event);
    done.add(event.id);
  }
  response.writeHead(204).end();
});

// Put it into a queue of your own: an answer that takes 15 seconds is a failure.
function handle(event) {
  console.log(event.sequence ?? null, event.type, JSON.stringify(event.data));
}

server.listen(Number(process.env.PORT ?? 9000));
