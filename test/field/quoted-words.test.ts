import { expect, test } from "bun:test";
import { Buffer } from "node:buffer";
import fc from "fast-check";
import type { Scenario } from "../../src/simulator/scenarios/scenario.ts";
import { SCENARIOS } from "../../src/simulator/scenarios/scenarios.ts";
import { RequestWords } from "../../src/upstreams/evidence/request-words.ts";
import { FAMILIES } from "../../src/upstreams/index.ts";
import { ANTHROPIC_SERVERS, GEMINI_SERVERS } from "../../src/upstreams/profiles.ts";
import { OPENAI_SERVERS } from "../../src/upstreams/servers/openai-servers.ts";
import type { Signal } from "../../src/upstreams/signal.ts";
import { IS_FULL } from "../kit/gateway.ts";
import { describeKind } from "./kind.ts";
import { kind } from "./kinds/quoted-words.ts";

const NOW = Date.parse("2026-11-23T10:00:00Z");
const RUNS = { numRuns: fc.readConfigureGlobal().numRuns ?? (IS_FULL ? 10_000 : 1_500) };

/** Words that mean money, keys, limits, models and times in one server's replies or another's. */
const WORDS = [
  "Insufficient Balance",
  "insufficient_quota",
  "quota",
  "balance",
  "billing",
  "credit balance is too low",
  "Your credit balance is too low",
  "You exceeded your current quota",
  "out of credits",
  "API key not valid",
  "invalid_api_key",
  "Incorrect API key provided",
  "Your API key was reported as leaked",
  "organization has been disabled",
  "This organization has been disabled",
  "max_tokens",
  "prompt tokens",
  "This request requires more credits, or fewer max_tokens",
  "can only afford 0",
  "model",
  "model not found",
  "The model `x` does not exist",
  "models/x is not found",
  "no access to this model",
  "该令牌无权使用模型：x",
  "余额不足",
  "per day",
  "daily",
  "Daily quota exceeded",
  "Rate limit exceeded: free-models-per-day",
  "limit: 0",
  "* Quota exceeded for metric: m, limit: 0",
  "Please try again in 300d",
  "Please retry in 9h",
  "regain access on 2027-12-01",
  "overloaded",
  "capacity",
  "your prepayment credits are depleted",
  "monthly spending cap",
  "User location is not supported",
  "beta",
  "region",
  "<html>",
  "\uE000",
  "\uE001",
  "it's",
  '"',
  "`",
];

const words = fc
  .array(fc.oneof(fc.constantFrom(...WORDS), fc.string({ maxLength: 12, unit: "grapheme" })), {
    minLength: 1,
    maxLength: 4,
  })
  .map((some) => some.join(" "))
  .filter((text) => text.trim() !== "");
/** Names of models have no blanks, and more than one part. */
const modelName = fc
  .tuple(fc.constantFrom("oneapi", "x-ai", "litellm"), fc.constantFrom(...WORDS))
  .map(([maker, word]) => `${maker}/${word.replace(/[^\p{L}\p{N}]+/gu, "-")}`);

/** How servers word refusals that name something of the request; `{q}` is the quoted text. */
const QUOTING = [
  "Tool '{q}' is not allowed",
  'Invalid value: "{q}". Supported values are: "auto"',
  "Unknown parameter `{q}`",
  "Your prompt “{q}” was blocked by our policy",
  "tools.0.name: '{q}' does not match the pattern",
  "该参数「{q}」无效",
  'Insufficient Balance (request: "{q}")',
  'Your credit balance is too low. Prompt: "{q}"',
  'API key not valid. Value: "{q}"',
  "Rate limit reached for '{q}'",
  "This request requires more credits, or fewer max_tokens than '{q}' needs",
];
/** `{m}` is the asked model's name. */
const NAMING = [
  "该令牌无权使用模型：{m}",
  "model: {m}",
  "models/{m} is not found for API version v1beta",
  "The model `{m}` does not exist or you do not have access to it.",
  "key not allowed to access model. Tried to access {m}",
  "{m} is not a valid model ID",
  "No endpoints found for {m}.",
  "Rate limit reached for {m} in organization org-x on tokens per min",
  "You do not have access to {m}",
];

const CODES = [
  null,
  "insufficient_quota",
  "invalid_api_key",
  "model_not_found",
  "rate_limit_exceeded",
  "authentication_error",
  "not_found_error",
  "permission_error",
  "invalid_request_error",
  "billing_error",
  429,
  401,
  402,
];

/** Every envelope that the families read. */
const ENVELOPES: Readonly<Record<string, (message: string, code: unknown) => unknown>> = {
  openai: (message, code) => ({ error: { message, type: code, param: null, code } }),
  "openai, bare": (message, code) => ({ code, message }),
  "openai, text": (message) => ({ error: message }),
  detail: (message) => ({ detail: message }),
  "stored response": (message, code) => ({ response: { error: { message, code } } }),
  openrouter: (message, code) => ({
    error: { message: "Provider returned error", code, metadata: { raw: message } },
  }),
  anthropic: (message, code) => ({ type: "error", error: { type: code, message } }),
  google: (message, code) => ({ error: { code: 400, status: String(code), message, details: [] } }),
  "google, array": (message, code) => [{ error: { code: 429, status: String(code), message } }],
};

const SERVERS = [...OPENAI_SERVERS, ...ANTHROPIC_SERVERS, ...GEMINI_SERVERS].map(({ profile }) => profile);

const reply = fc.record({
  family: fc.constantFrom(...Object.values(FAMILIES)),
  profile: fc.constantFrom(...SERVERS, undefined),
  envelope: fc.constantFrom(...Object.keys(ENVELOPES)),
  code: fc.constantFrom(...CODES),
  status: fc.constantFrom(400, 401, 402, 403, 404, 408, 413, 422, 429, 500, 503),
  retryAfter: fc.constantFrom(null, "7"),
});
type Reply = typeof reply extends fc.Arbitrary<infer T> ? T : never;

function meaning(one: Reply, message: string, model: string, prompt: string): Signal {
  const body = { model, messages: [{ role: "user", content: prompt }], tools: [{ name: prompt }] };
  const request = new RequestWords(Buffer.from(JSON.stringify(body)), []);
  const facts = {
    status: one.status,
    headers: new Headers(one.retryAfter === null ? {} : { "retry-after": one.retryAfter }),
    body: JSON.stringify(ENVELOPES[one.envelope]?.(message, one.code)),
    nowMs: NOW,
    model,
    isOfRequest: request.has,
  };
  return one.family.classify(facts, one.profile);
}

const MODEL = "maker/model-7";
const NEUTRAL = "zxq-7";

/** How hard a verdict is on the credential. */
function severity(signal: Signal): number {
  if (signal.class === "credit" || signal.class === "invalid" || signal.class === "config") return 3;
  if (signal.class === "rate" || signal.class === "quota") return 2;
  return signal.class === "forbid" ? 1 : 0;
}

/** Every failure that the simulated providers know, by its name. */
const KNOWN = Object.entries(SCENARIOS).filter(([, { place }]) => place !== "headers");

/** Members that hold the words of an error. */
const SPOKEN: ReadonlySet<string> = new Set(["message", "error", "detail", "msg", "status_msg"]);

/** The known failure, with a quotation behind the provider's own words. */
function knownWith(name: string, quotation: string, prompt: string): Signal {
  const scenario = SCENARIOS[name] as Scenario;
  const vendor = name.slice(0, name.indexOf("/"));
  const family = FAMILIES[vendor === "compat" ? "openai" : (vendor as keyof typeof FAMILIES)];
  const { status, headers, body } = scenario.reply({ model: MODEL, nowMs: NOW, resetS: 30 });
  const text = JSON.stringify(body, (key, value) =>
    SPOKEN.has(key) && typeof value === "string" ? value + quotation : value,
  );
  const request = new RequestWords(Buffer.from(JSON.stringify({ model: MODEL, prompt })), []);
  const facts = {
    status: status === 200 ? family.inBandStatus(text) : status,
    headers: new Headers({ ...headers }),
    body: text,
    nowMs: NOW,
    model: MODEL,
    isOfRequest: request.has,
  };
  return family.classify(facts, vendor === "compat" ? undefined : family.profileOf(family.defaultBaseUrl));
}

describeKind(kind, () => {
  test("a known failure means the same, whatever words of the request stand quoted behind it", () => {
    fc.assert(
      fc.property(fc.constantFrom(...KNOWN.map(([name]) => name)), words, (name, quoted) => {
        const said = knownWith(name, ` Request: "${quoted}"`, quoted);
        expect(said).toEqual(knownWith(name, ` Request: "${NEUTRAL}"`, NEUTRAL));
      }),
      RUNS,
    );
  });

  test("the verdict is that of the same reply with any other words in the quotes", () => {
    fc.assert(
      fc.property(reply, fc.constantFrom(...QUOTING), words, (one, template, quoted) => {
        const said = meaning(
          one,
          template.replace("{q}", () => quoted),
          MODEL,
          quoted,
        );
        const plain = meaning(one, template.replace("{q}", NEUTRAL), MODEL, NEUTRAL);
        expect(said).toEqual(plain);
      }),
      RUNS,
    );
  });

  test("reported: the verdict is that of the same reply with any other model's name", () => {
    fc.assert(
      fc.property(reply, fc.constantFrom(...NAMING), modelName, words, (one, template, model, prompt) => {
        const said = meaning(
          one,
          template.replace("{m}", () => model),
          model,
          prompt,
        );
        const plain = meaning(one, template.replace("{m}", MODEL), MODEL, prompt);
        expect(said).toEqual(plain);
      }),
      RUNS,
    );
  });

  test("words without quotes are never harder on the credential than no words", () => {
    fc.assert(
      fc.property(
        reply,
        fc.constantFrom("Request refused: {q}", "{q}", "{q} was flagged", "Blocked by policy: {q}."),
        words,
        (one, template, quoted) => {
          const said = meaning(
            one,
            template.replace("{q}", () => quoted),
            MODEL,
            quoted,
          );
          const plain = meaning(one, template.replace("{q}", NEUTRAL), MODEL, NEUTRAL);
          expect(severity(said)).toBeLessThanOrEqual(severity(plain));
          if ("isStatement" in said) expect("isStatement" in plain).toBe(true);
          if ("untilMs" in said && "untilMs" in plain)
            expect(said.untilMs).toBeLessThanOrEqual(plain.untilMs);
        },
      ),
      RUNS,
    );
  });
});
