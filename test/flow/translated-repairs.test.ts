// Refusals that a provider takes back when the request is changed: one more try, and no more.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { answerWell } from "../faults/asking.ts";
import { type Gateway, startGateway } from "../kit/gateway.ts";
import { type RawReply, request } from "../kit/raw-client.ts";
import { type Arrived, type RawUpstream, sendWhole, startRawUpstream } from "../kit/raw-upstream.ts";
import { CHAT, type DialectName, GEMINI, MESSAGES, RESPONSES } from "../kit/recordings.ts";
import { firstTurn, pathOf, SEAL, SEALED_ANSWERS, secondTurn } from "./conversation.ts";
import { askCell, cellOf, type Frame, readTold, TEXT, translatedToml, UPSTREAMS } from "./translated.ts";

let upstream: RawUpstream;
let gateway: Gateway;

beforeAll(async () => {
  upstream = await startRawUpstream(() => undefined);
  gateway = await startGateway({ toml: translatedToml(upstream.url) });
});
afterAll(async () => {
  await gateway?.close();
  await upstream?.close();
});

const refuse = (arrived: Arrived, body: object): Promise<void> =>
  sendWhole(arrived, JSON.stringify(body), undefined, "400 Bad Request");

/** How each provider refuses a seal. */
const REFUSALS = {
  "openai-responses": {
    cases: "H-97",
    body: {
      error: {
        message: "The encrypted content gAAA...AA== could not be verified.",
        type: "invalid_request_error",
        param: null,
        code: "invalid_encrypted_content",
      },
    },
  },
  "anthropic-messages": {
    cases: "H-94",
    body: {
      type: "error",
      error: {
        type: "invalid_request_error",
        message: "messages.1.content.0: Invalid `signature` in `thinking` block",
      },
    },
  },
  gemini: {
    cases: "H-93",
    body: { error: { code: 400, message: "Corrupted thought signature.", status: "INVALID_ARGUMENT" } },
  },
} as const;

type Sealing = keyof typeof REFUSALS;
const SEALING = Object.keys(REFUSALS) as Sealing[];
const CLIENTS: readonly DialectName[] = ["openai-chat", "openai-responses", "anthropic-messages", "gemini"];

async function post(client: DialectName, model: string, body: object): Promise<RawReply> {
  return await request(gateway.port, pathOf(client, model), { body: JSON.stringify(body) });
}

const bodies = (): string[] => upstream.seen.map(({ body }) => body.toString());

for (const made of SEALING) {
  for (const client of CLIENTS) {
    const { cases, body: refusal } = REFUSALS[made];
    const { model } = UPSTREAMS[made];
    const way = client === made ? "relayed" : "translated";

    test(`${cases} ${client} → ${made}, ${way}: a refused seal is left out once, and the answer comes`, async () => {
      const first = firstTurn(client, model);
      upstream.answer = (arrived) => sendWhole(arrived, JSON.stringify(SEALED_ANSWERS[made]));
      const answer = await post(client, model, first);
      expect(answer.status).toBe(200);
      const second = secondTurn(client, first, JSON.parse(answer.body.toString()) as Frame);

      // A seal that is accepted is at the place where the provider put it.
      upstream.forget();
      upstream.answer = (arrived) => answerWell(arrived);
      expect((await post(client, model, second)).status).toBe(200);
      expect(bodies()).toEqual([expect.stringContaining(SEAL)]);

      upstream.forget();
      upstream.answer = (arrived) =>
        upstream.seen.length === 1 ? refuse(arrived, refusal) : answerWell(arrived);
      const repaired = await post(client, model, second);
      const [before, after, ...more] = bodies();
      expect([repaired.status, repaired.body.toString(), more]).toEqual([200, expect.any(String), []]);
      expect(repaired.headers.get("x-clewline-dropped")).toContain("reasoning");
      expect(before).toContain(SEAL);
      expect(after).not.toContain(SEAL);
      // Everything else is still there, with the documented placeholder for Gemini.
      expect(after).toContain("rain");
      expect(after).toContain("Oslo");
      if (made === "gemini")
        expect(after).toMatch(/skip_thought_signature_validator|context_engineering_is_the_way_to_go/);
      expect(await gateway.row(repaired.headers.get("x-request-id"))).toMatchObject({
        outcome: "ok",
        attempts: 2,
      });

      // A second refusal gives the provider's own words, and there is no third try.
      upstream.forget();
      upstream.answer = (arrived) => refuse(arrived, refusal);
      const refused = await post(client, model, second);
      expect([refused.status, bodies().length]).toEqual([400, 2]);
      expect(refused.body.toString()).toMatch(/could not be verified|Invalid `signature`|Corrupted thought/);

      // A refused seal concerns one conversation: the next conversation keeps its seals.
      upstream.forget();
      upstream.answer = (arrived) => answerWell(arrived);
      expect((await post(client, model, second)).status).toBe(200);
      expect(bodies()).toEqual([expect.stringContaining(SEAL)]);
    });
  }
}

test("H-97 the code may be missing, as with some relays", async () => {
  const client = "anthropic-messages";
  const { model } = UPSTREAMS["openai-responses"];
  const first = firstTurn(client, model);
  upstream.answer = (arrived) => sendWhole(arrived, JSON.stringify(SEALED_ANSWERS["openai-responses"]));
  const answer = await post(client, model, first);
  const second = secondTurn(client, first, JSON.parse(answer.body.toString()) as Frame);
  upstream.forget();
  const { error } = REFUSALS["openai-responses"].body;
  upstream.answer = (arrived) =>
    upstream.seen.length === 1 ? refuse(arrived, { error: { message: error.message } }) : answerWell(arrived);
  expect((await post(client, model, second)).status).toBe(200);
  expect(bodies()).toHaveLength(2);
});

for (const { dialect } of [RESPONSES, MESSAGES, GEMINI]) {
  test(`H-44 ${dialect}: usage is asked for; a server that does not know the question is asked without it, from then on`, async () => {
    const own = `openai-chat/shy-${dialect}`;
    const cell = { ...cellOf(dialect, "openai-chat"), model: own };
    const isAsked = (body: string): boolean => JSON.parse(body).stream_options?.include_usage === true;
    upstream.forget();
    upstream.answer = (arrived) =>
      isAsked(arrived.body.toString())
        ? refuse(arrived, {
            error: { message: "Unknown field: stream_options", type: "invalid_request_error" },
          })
        : answerWell(arrived);
    const first = await askCell(gateway, cell, true);
    expect(readTold(cell.client, true, first.body.toString())).toMatchObject({ text: TEXT, isEnded: true });
    expect(bodies().map(isAsked)).toEqual([true, false]);
    await askCell(gateway, cell, true);
    expect(bodies().map(isAsked)).toEqual([true, false, false]);
    // Requests for other models of the server do not change.
    upstream.answer = (arrived) => answerWell(arrived);
    await askCell(gateway, { ...cell, model: `openai-chat/bold-${dialect}` }, true);
    expect(bodies().map(isAsked)).toEqual([true, false, false, true]);
  });
}

for (const [template, message] of [
  ["Qwen", "System message must be at the beginning."],
  [
    "Mistral",
    "Only user, assistant and tool roles are supported after the initial, optional system message. conversation roles must alternate",
  ],
] as const) {
  test(`H-70 ${template}: a template that wants instructions first gets those between turns as text, from then on`, async () => {
    const model = `openai-chat/house-${template.length}`;
    const body = {
      model,
      max_tokens: 100,
      system: "Be kind.",
      messages: [
        { role: "user", content: "One." },
        { role: "system", content: "Be brief." },
        { role: "assistant", content: "Two." },
        { role: "user", content: "Three." },
      ],
    };
    const roles = (text: string): string[] => JSON.parse(text).messages.map(({ role }: Frame) => role);
    const isLate = (text: string): boolean => roles(text).lastIndexOf("system") > 0;
    upstream.forget();
    upstream.answer = (arrived) =>
      isLate(arrived.body.toString())
        ? refuse(arrived, { error: { message, type: "BadRequestError", code: 400 } })
        : answerWell(arrived);
    const reply = await post("anthropic-messages", model, body);
    expect(reply.status).toBe(200);
    expect(bodies().map(isLate)).toEqual([true, false]);
    for (const text of ["Be kind.", "One.", "Be brief.", "Two.", "Three."])
      expect(bodies()[1]).toContain(text);
    expect((await post("anthropic-messages", model, body)).status).toBe(200);
    expect(bodies().map(isLate)).toEqual([true, false, false]);
  });
}

test("a refusal that no other wording would change is told at once", async () => {
  for (const client of [RESPONSES, MESSAGES, GEMINI]) {
    upstream.forget();
    upstream.answer = (arrived) => refuse(arrived, { error: { message: "no such thing", type: "invalid" } });
    const reply = await askCell(gateway, cellOf(client.dialect, CHAT.dialect), true);
    expect([reply.status, upstream.seen.length]).toEqual([400, 1]);
  }
});
