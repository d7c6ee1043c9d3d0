// Findings of low rank: a client's fault that is told as one, and what explaining and late heads tell.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { answerWell } from "../faults/asking.ts";
import { CLIENT_KEY, type Gateway, KEYS_TOML, startGateway } from "../kit/gateway.ts";
import { openClient } from "../kit/raw-client.ts";
import { type RawUpstream, sendWhole, startRawUpstream } from "../kit/raw-upstream.ts";
import { CHAT, familiesToml, MESSAGES } from "../kit/recordings.ts";

let upstream: RawUpstream;
let gateway: Gateway;
beforeAll(async () => {
  upstream = await startRawUpstream((arrived) => answerWell(arrived), { lists: "apart" });
  gateway = await startGateway({
    toml: [
      KEYS_TOML,
      '[[models]]\nname = "with-orders"\ntargets = ["openai/gpt-4.1"]\nsystem_before = "the operator\'s own words"\n',
      familiesToml(upstream.url),
    ].join("\n"),
  });
});
afterAll(async () => {
  await gateway?.close();
  await upstream?.close();
});

async function post(path: string, body: string) {
  const reply = await fetch(gateway.url + path, {
    method: "POST",
    headers: { authorization: `Bearer ${CLIENT_KEY}`, "content-type": "application/json" },
    body,
  });
  return { status: reply.status, text: await reply.text() };
}

test("P19 half a character in a model's name is the client's fault", async () => {
  for (const model of ["gemini/\\ud800", "openai/\\udc00x", "anthropic/a\\ud83d"]) {
    for (const recording of [CHAT, MESSAGES]) {
      const body = recording.body(false).replace(`"${recording.model}"`, `"${model}"`);
      const { status, text } = await post(recording.wholePath, body);
      expect([model, status < 500, text.includes("internal")]).toEqual([model, true, false]);
    }
  }
  expect(gateway.log()).not.toContain("exception");
});

test("P19 no byte in a header is a fault of the gateway", async () => {
  const body = CHAT.body(false);
  const statuses = new Set<number>();
  for (let byte = 0; byte < 256; byte++) {
    const client = await openClient(gateway.port);
    client.send(
      Buffer.from(
        `POST ${CHAT.wholePath} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ${CLIENT_KEY}\r\nX-Odd: a${String.fromCharCode(byte)}b\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
        "latin1",
      ),
    );
    statuses.add((await client.reply()).status);
    client.leave();
  }
  expect([...statuses].filter((status) => status !== 200 && status !== 400 && status !== 0)).toEqual([]);
});

test("P21 what explaining shows a key is what its requests would do, without the operator's words and addresses", async () => {
  const { text } = await post(
    "/v1/explain",
    JSON.stringify({
      path: CHAT.wholePath,
      body: JSON.parse(CHAT.body(false).replace("gpt-4.1", "with-orders")),
    }),
  );
  expect(text).toContain('"mode"');
  expect(text).not.toContain("the operator's own words");
  expect(text).not.toContain(`:${upstream.port}`);
});

test("P25 bytes of a reply's header that are no ASCII reach the client, and end nothing", async () => {
  upstream.answer = (arrived) =>
    sendWhole(arrived, CHAT.whole, { "content-type": "application/json", "x-odd": "\u00e9\u00ff" });
  expect((await post(CHAT.wholePath, CHAT.body(false))).status).toBe(200);
});
