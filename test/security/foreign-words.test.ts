/**
 * A55: a request in foreign words is judged as what is sent: it gets no other model, no room beyond the limits of its key, no
 * object of another key, and names of the language are members like others.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { answerWell } from "../faults/asking.ts";
import { translatedToml } from "../flow/translated.ts";
import { CLIENT_KEY, type Gateway, startGateway } from "../kit/gateway.ts";
import { type RawUpstream, startRawUpstream } from "../kit/raw-upstream.ts";

const LIMITED = "clw-limited-0123456789abcdef";
const RESTRICTED = "clw-restricted-0123456789abcdef";

let upstream: RawUpstream;
let gateway: Gateway;
beforeAll(async () => {
  upstream = await startRawUpstream((arrived) => answerWell(arrived), { lists: "apart" });
  gateway = await startGateway({
    toml: [
      translatedToml(upstream.url),
      `[[keys]]\nname = "limited"\nkey = "${LIMITED}"\ntokens_per_minute = 5000\n`,
      `[[keys]]\nname = "restricted"\nkey = "${RESTRICTED}"\nmodels = ["openai-chat/allowed"]\n`,
    ].join("\n"),
  });
});
afterAll(async () => {
  const log = gateway.log();
  await gateway?.close();
  await upstream?.close();
  expect(log.split("\n").filter((line) => line.includes("exception"))).toEqual([]);
});
beforeEach(() => upstream.forget());

async function post(path: string, body: string, key = CLIENT_KEY): Promise<{ status: number; text: string }> {
  const reply = await fetch(gateway.url + path, {
    method: "POST",
    headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
    body,
  });
  return { status: reply.status, text: await reply.text() };
}

/** Words that are foreign to the path, each with its path and an upstream that speaks its dialect. */
const CALL = `"input":[{"type":"function_call","call_id":"c","name":"f","arguments":"{}"}]`;
const TURN = `"messages":[{"role":"user","content":"Hi"}]`;
const IMAGE = `"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"https://a.b/c"}}]}]`;

describe("A55 in foreign words", () => {
  test.each([
    `{"model":"openai-chat/allowed","model":"openai-chat/forbidden",${CALL}}`,
    `{"model":"openai-chat/forbidden","model":"openai-chat/allowed",${CALL}}`,
    `{"model":"openai-chat/allowed","mod\\u0065l":"openai-chat/forbidden",${CALL}}`,
    `{"model":"openai-chat/allowed","MODEL":"openai-chat/forbidden",${CALL}}`,
    `{"model":"openai-chat/allowed","models":["openai-chat/forbidden"],${CALL}}`,
    `{"model":"openai-chat/allowed","fallbacks":[{"model":"openai-chat/forbidden"}],${CALL}}`,
  ])("no key gets another model: %s", async (body) => {
    expect((await post("/v1/chat/completions", body, RESTRICTED)).status).toBeGreaterThanOrEqual(400);
    expect(upstream.seen).toEqual([]);
    const good = await post("/v1/chat/completions", `{"model":"openai-chat/allowed",${CALL}}`, RESTRICTED);
    expect(good.status).toBe(200);
  });

  test.each([
    ["/v1/chat/completions", `{"model":"openai-chat/m","max_output_tokens":100000,${CALL}}`],
    ["/v1/responses", `{"model":"openai-responses/m","max_tokens":100000,${TURN}}`],
    ["/v1/messages", `{"model":"anthropic-messages/m","max_completion_tokens":100000,${IMAGE}}`],
  ])("no key takes more than its limits have: %s %s", async (path, body) => {
    const { status, text } = await post(path, body, LIMITED);
    expect([status, text]).toEqual([400, expect.stringContaining("limited to 5000 tokens a minute")]);
    expect(upstream.seen).toEqual([]);
  });

  test.each([
    ["/v1/chat/completions", `{"model":"openai-chat/m","previous_response_id":"resp_x",${CALL}}`],
    ["/v1/responses", `{"model":"openai-responses/m","previous_response_id":"resp_x",${TURN}}`],
  ])("no key goes on with what another one made: %s %s", async (path, body) => {
    expect(await post(path, body)).toMatchObject({ status: 400, text: expect.stringContaining("not found") });
    expect(upstream.seen).toEqual([]);
  });

  test.each([
    ["/v1/chat/completions", `{"model":"openai-chat/m","__proto__":{"stream":true},"constructor":1,${CALL}}`],
    [
      "/v1/responses",
      `{"model":"openai-responses/m","__proto__":{"max_output_tokens":9},"messages":[{"role":"user","content":"x","__proto__":{"a":1}}]}`,
    ],
  ])("names of the language are members like others: %s %s", async (path, body) => {
    expect((await post(path, body)).status).toBe(200);
    const sent = upstream.seen[0]?.body.toString() ?? "";
    expect(sent).toContain('"__proto__":{');
    expect(Object.hasOwn(JSON.parse(sent), "max_output_tokens")).toBe(false);
    expect(({} as { stream?: unknown }).stream).toBeUndefined();
  });
});
