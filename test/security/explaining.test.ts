/** A44: what explaining a request costs is bounded, as the request itself is: in memory, in its reply and by the key's limits. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { answerWell } from "../faults/asking.ts";
import { translatedToml, UPSTREAMS } from "../flow/translated.ts";
import { CLIENT_KEY, type Gateway, startGateway } from "../kit/gateway.ts";
import { type RawUpstream, startRawUpstream } from "../kit/raw-upstream.ts";

const MEGABYTE = 1024 * 1024;
const LIMITED_KEY = "clw-limited-0123456789abcdef";
const ONE_AT_ONCE_KEY = "clw-one-at-once-0123456789abcdef";

let upstream: RawUpstream;
let gateway: Gateway;
beforeAll(async () => {
  upstream = await startRawUpstream((arrived) => answerWell(arrived), { lists: "apart" });
  gateway = await startGateway({
    toml: [
      translatedToml(upstream.url),
      `[[keys]]\nname = "limited"\nkey = "${LIMITED_KEY}"\nrequests_per_minute = 3\n`,
      `[[keys]]\nname = "one"\nkey = "${ONE_AT_ONCE_KEY}"\nconcurrency = 1\n`,
      `[[models]]\nname = "all"\ntargets = [${Object.values(UPSTREAMS).map(({ model }) => `"${model}"`)}]\n`,
    ].join("\n"),
  });
});
afterAll(async () => {
  await gateway?.close();
  await upstream?.close();
});

async function explain(question: string, key = CLIENT_KEY) {
  const reply = await fetch(`${gateway.url}/v1/explain`, {
    method: "POST",
    headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
    body: question,
  });
  return { status: reply.status, text: await reply.text(), headers: reply.headers };
}

const questionOf = (members: string, model = "openai-chat/qwen3-32b"): string =>
  `{"path":"/v1/chat/completions","body":{"model":"${model}","messages":[{"role":"user","content":"Hi"}]${members}}}`;
const short = questionOf("");

test("A44 ten thousand numbers nine hundred levels deep have a reply of their own size", async () => {
  const deep = `,"x":${"[".repeat(900)}${"0,".repeat(10_000)}0${"]".repeat(900)}`;
  const { status, text } = await explain(questionOf(deep));
  expect(status).toBe(200);
  expect(text.length).toBeLessThan(100_000);
  expect(JSON.parse(text).targets[0].request.body.x).toBeArray();
});

test("a short explanation is written for people", async () => {
  expect((await explain(short)).text).toContain('\n  "targets": [\n    {\n');
});

test("A44 four megabytes for four targets hold less than 300 MB, and more is refused", async () => {
  const prompt = `,"metadata":{"x":"${"a".repeat(3 * MEGABYTE)}"},"stop":["x"]`;
  const restBytes = gateway.rssBytes();
  let peakBytes = restBytes;
  const looking = setInterval(() => {
    peakBytes = Math.max(peakBytes, gateway.rssBytes());
  }, 5);
  const replies = await Promise.all(Array.from({ length: 8 }, () => explain(questionOf(prompt, "all"))));
  clearInterval(looking);
  for (const { status } of replies) expect([200, 503]).toContain(status);
  expect(replies.some(({ status }) => status === 200)).toBe(true);
  expect((peakBytes - restBytes) / MEGABYTE).toBeLessThan(300);
  const refusal = await explain(questionOf(`,"user":"${"a".repeat(5 * MEGABYTE)}"`));
  expect([refusal.status, refusal.text]).toEqual([413, expect.stringContaining("clewline explain")]);
}, 60_000);

test("A44 an explanation counts as a request in the limits of its key, and gives its place back", async () => {
  const statuses: number[] = [];
  for (let n = 0; n < 4; n++) statuses.push((await explain(short, LIMITED_KEY)).status);
  expect(statuses).toEqual([200, 200, 200, 429]);
  // One after the other: a place that was not given back would be missing here.
  for (let n = 0; n < 3; n++) expect((await explain(short, ONE_AT_ONCE_KEY)).status).toBe(200);
  expect((await explain('{"path":"/v1/chat/completions","body":{}}', ONE_AT_ONCE_KEY)).status).toBe(400);
  expect((await explain(short, ONE_AT_ONCE_KEY)).status).toBe(200);
});
