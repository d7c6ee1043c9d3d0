/** P18: a body that nests deeply is refused on every route, before anything is made of it. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { answerWell } from "../faults/asking.ts";
import { translatedToml } from "../flow/translated.ts";
import { CLIENT_KEY, type Gateway, startGateway } from "../kit/gateway.ts";
import { type RawUpstream, startRawUpstream } from "../kit/raw-upstream.ts";
import { cpuMsOf } from "./cpu.ts";

const MEGABYTE = 1024 * 1024;

let upstream: RawUpstream;
let gateway: Gateway;

beforeAll(async () => {
  upstream = await startRawUpstream((arrived) => answerWell(arrived));
  gateway = await startGateway({ toml: translatedToml(upstream.url) });
});
afterAll(async () => {
  await gateway?.close();
  await upstream?.close();
});

async function post(path: string, body: string): Promise<{ readonly status: number; readonly text: string }> {
  const reply = await fetch(gateway.url + path, {
    method: "POST",
    headers: { authorization: `Bearer ${CLIENT_KEY}`, "content-type": "application/json" },
    body,
  });
  return { status: reply.status, text: await reply.text() };
}

const nested = (levels: number): string => `${"[".repeat(levels)}${"]".repeat(levels)}`;
const explained = (inner: string): string =>
  `{"path":"/v1/chat/completions","body":{"model":"openai-chat/qwen3-32b","messages":${inner}}}`;

const ROUTES: Readonly<Record<string, (inner: string) => string>> = {
  "/v1/explain": explained,
  "/v1/chat/completions": (inner) => `{"model":"anthropic-messages/claude-sonnet-4-6","messages":${inner}}`,
  "/v1/responses": (inner) => `{"model":"gemini/gemini-3-flash","input":${inner}}`,
  "/v1/messages": (inner) => `{"model":"openai-chat/qwen3-32b","max_tokens":9,"messages":${inner}}`,
  "/v1beta/models/openai-chat/qwen3-32b:generateContent": (inner) => `{"contents":${inner}}`,
};

for (const [path, bodyOf] of Object.entries(ROUTES)) {
  test(`P18 ${path} refuses a hundred thousand levels`, async () => {
    const { status, text } = await post(path, bodyOf(nested(100_000)));
    expect([status, text]).toEqual([400, expect.stringMatching(/nest/)]);
  });

  test(`P18 ${path} gets through nine hundred levels, or says what is wrong with them`, async () => {
    const { status, text } = await post(path, bodyOf(nested(900)));
    expect(status).toBe(path === "/v1/explain" ? 200 : 400);
    expect(text).not.toContain("internal");
  });
}

test("P18 thirty megabytes of brackets cost half a second of CPU and little memory at most", async () => {
  const [restBytes, before] = [gateway.rssBytes(), cpuMsOf(gateway.pid)];
  const { status } = await post("/v1/explain", explained(nested(15 * MEGABYTE)));
  expect(status).toBe(400);
  expect(cpuMsOf(gateway.pid) - before).toBeLessThanOrEqual(500);
  expect((gateway.rssBytes() - restBytes) / MEGABYTE).toBeLessThan(150);
});
