// Reports that a change is in place, signed, and tries until the report is taken. Needs Node 18 and no packages.
//
// INBOUND_URL=https://… SOURCE_SECRET=whsec_… node report_sender.mjs SUGGESTION_ID
import { createHmac, randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";

const key = Buffer.from(process.env.SOURCE_SECRET.replace("whsec_", ""), "base64");
const report = {
  type: "report.implemented",
  data: {
    suggestion_id: process.argv[2], report_id: "rota-47", occurred_at: new Date().toISOString(),
    summary: "Fixed pairs are on the rota", what_changed: "Two fixed pairs cover all double-up calls.",
    evidence: [{ kind: "rota_change", title: "Rota week 47" }],
  },
};
// The id and the text are made once and belong to the report: store both, and send the same on every try.
const id = `msg_${randomUUID()}`, body = JSON.stringify(report);

for (const waitSeconds of [0, 5, 60, 600]) {
  await sleep(waitSeconds * 1000);
  const timestamp = Math.floor(Date.now() / 1000); // Fresh on every try: more than 300 seconds off is refused.
  const signature = createHmac("sha256", key).update(`${id}.${timestamp}.${body}`).digest("base64");
  const headers = { "webhook-id": id, "webhook-timestamp": timestamp, "webhook-signature": `v1,${signature}` };
  headers["content-type"] = "application/json";
  const signal = AbortSignal.timeout(20_000);
  const answer = await fetch(process.env.INBOUND_URL, { method: "POST", body, headers, signal }).catch(console.error);
  if (!answer) continue;
  console.log(answer.status, await answer.text()); // 200 is taken; 202 is kept, and says why it waits.
  if (answer.ok) process.exit(0);
  if (answer.status < 500 && ![408, 429].includes(answer.status)) {
    console.error("A person must look at this: the same message would be refused again.");
    process.exit(1);
  }
}
console.error("Not taken yet. Keep the message and try again later.");
process.exit(1);
