import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { FAMILIES } from "../index.ts";
import type { AnnouncedRoom, RoomFacts } from "./room-facts.ts";

const NOW = Date.parse("2026-11-23T10:00:00Z");
const { anthropic, gemini, openai } = FAMILIES;

type Said = Partial<AnnouncedRoom> & Pick<AnnouncedRoom, "dimension" | "span" | "limit" | "remaining">;

const TABLE: readonly {
  readonly server: string;
  readonly family: "anthropic" | "openai";
  readonly headers: Record<string, string>;
  readonly owner?: string;
  readonly rooms: readonly Said[];
}[] = [
  {
    server: "Anthropic",
    family: "anthropic",
    owner: "1f2e",
    headers: {
      "anthropic-organization-id": "1f2e",
      "anthropic-ratelimit-requests-limit": "50",
      "anthropic-ratelimit-requests-remaining": "49",
      "anthropic-ratelimit-requests-reset": "2026-11-23T10:00:01Z",
      "anthropic-ratelimit-input-tokens-limit": "30000",
      "anthropic-ratelimit-input-tokens-remaining": "0",
      "anthropic-ratelimit-input-tokens-reset": "2026-11-23T10:01:00Z",
      "anthropic-ratelimit-output-tokens-limit": "8000",
      "anthropic-ratelimit-output-tokens-remaining": "7000",
      "anthropic-ratelimit-output-tokens-reset": "2026-11-23T10:00:08Z",
    },
    rooms: [
      { dimension: "requests", span: "minute", limit: 50, remaining: 49, isGradual: true, isReserved: true },
      { dimension: "input", span: "minute", limit: 30_000, remaining: 0, resetAtMs: NOW + 60_000 },
      { dimension: "output", span: "minute", limit: 8_000, remaining: 7_000, isReserved: false },
    ],
  },
  {
    server: "OpenAI",
    family: "openai",
    owner: "acme",
    headers: {
      "openai-organization": "acme",
      "x-ratelimit-limit-requests": "500",
      "x-ratelimit-remaining-requests": "200",
      "x-ratelimit-reset-requests": "36s",
      "x-ratelimit-limit-tokens": "30000",
      "x-ratelimit-remaining-tokens": "29000",
      "x-ratelimit-reset-tokens": "2s",
    },
    rooms: [
      { dimension: "requests", span: "other", limit: 500, remaining: 200, resetAtMs: NOW + 36_000 },
      { dimension: "tokens", span: "minute", limit: 30_000, remaining: 29_000, isGradual: true },
    ],
  },
  {
    server: "Cerebras: plain seconds, all at once",
    family: "openai",
    headers: {
      "x-ratelimit-limit-requests-day": "14400",
      "x-ratelimit-remaining-requests-day": "14370",
      "x-ratelimit-reset-requests-day": "33011.4",
      "x-ratelimit-limit-tokens-minute": "60000",
      "x-ratelimit-remaining-tokens-minute": "59000",
      "x-ratelimit-reset-tokens-minute": "11.38",
    },
    rooms: [
      { dimension: "requests", span: "day", limit: 14_400, remaining: 14_370, isGradual: false },
      { dimension: "tokens", span: "minute", limit: 60_000, remaining: 59_000, resetAtMs: NOW + 11_380 },
    ],
  },
  {
    server: "OpenRouter: epoch milliseconds",
    family: "openai",
    headers: {
      "x-ratelimit-limit": "20",
      "x-ratelimit-remaining": "3",
      "x-ratelimit-reset": String(NOW + 30_000),
    },
    rooms: [{ dimension: "requests", span: "other", limit: 20, remaining: 3, resetAtMs: NOW + 30_000 }],
  },
  {
    server: "IETF draft, one structured header",
    family: "openai",
    headers: { ratelimit: '"default";r=7;t=50' },
    rooms: [{ dimension: "requests", span: "other", limit: null, remaining: 7, resetAtMs: NOW + 50_000 }],
  },
];

describe("what a good reply says is left", () => {
  test.each(TABLE)("$server", ({ family, headers, owner, rooms }) => {
    const facts = FAMILIES[family].roomOf(new Headers(headers), NOW) as RoomFacts;
    expect(facts.owner).toBe(owner ?? null);
    expect(facts.rooms).toHaveLength(rooms.length);
    for (const said of rooms) {
      const found = facts.rooms.find((room) => room.dimension === said.dimension && room.span === said.span);
      expect(found).toMatchObject(said);
    }
  });

  test.each([
    ["no such header", {}],
    ["another wait", { "retry-after": "5" }],
    ["a number that is none", { "x-ratelimit-remaining-requests": "many" }],
    ["less than nothing", { "x-ratelimit-remaining-tokens": "-5" }],
    ["a size in bytes", { "ratelimitbysize-remaining": "4096" }],
    ["what a router quotes of another server", { "llm_provider-x-ratelimit-remaining-tokens": "0" }],
    ["what comes back nobody knows when", { "x-ratelimit-remaining": "0" }],
    ["what came back before", { "x-ratelimit-remaining": "0", "x-ratelimit-reset": "1500000000" }],
    ["a reset that cannot be read", { "x-ratelimit-remaining": "0", "x-ratelimit-reset": "soon" }],
    ["a time", { "x-ratelimit-timeremaining": "30" }],
    [
      "what nobody can count",
      { "x-ratelimit-remaining-requests": "1e999", "x-ratelimit-reset-requests": "9" },
    ],
  ])("%s is no room", (_, headers) => {
    for (const family of [anthropic, openai]) {
      expect(family.roomOf(new Headers(headers as Record<string, string>), NOW)?.rooms ?? []).toEqual([]);
    }
  });

  test("a limit that is smaller than what is left of it is none", () => {
    const headers = {
      "x-ratelimit-limit-tokens": "10",
      "x-ratelimit-remaining-tokens": "500",
      "x-ratelimit-reset-tokens": "30",
    };
    expect(openai.roomOf(new Headers(headers), NOW)?.rooms).toMatchObject([{ limit: null, remaining: 500 }]);
  });

  test("whatever headers say, reading neither throws nor finds more rooms than a few", () => {
    const name = fc
      .tuple(
        fc.constantFrom("x-ratelimit-", "anthropic-ratelimit-", "ratelimit-"),
        fc.constantFrom("remaining", "limit", "reset"),
        fc.constantFrom("", "-tokens", "-requests", "-tokens-minute", "-day", "-input-tokens"),
      )
      .map((parts) => parts.join(""));
    const value = fc.oneof(
      fc.integer().map(String),
      fc.double().map(String),
      fc.constantFrom("1s", "", "∞", "1e999"),
    );
    fc.assert(
      fc.property(fc.dictionary(name, value), (headers) => {
        const lines = Object.entries(headers);
        const view = {
          get: (wanted: string) => headers[wanted] ?? null,
          forEach: (each: (text: string, header: string) => void) => {
            for (const [header, text] of lines) each(text, header);
          },
        };
        for (const { limit, remaining, resetAtMs } of openai.roomOf(view, NOW)?.rooms ?? []) {
          expect(remaining).toBeGreaterThanOrEqual(0);
          expect(limit ?? remaining).toBeGreaterThanOrEqual(remaining);
          expect(limit ?? remaining).toBeLessThanOrEqual(Number.MAX_SAFE_INTEGER);
          expect(resetAtMs ?? NOW).toBeGreaterThanOrEqual(NOW);
        }
      }),
    );
  });
});

describe("what Google says of a quota that was exceeded", () => {
  const refusal = (violations: readonly object[], more: readonly object[] = []): RoomFacts | null =>
    gemini.roomOfFailure({
      status: 429,
      headers: new Headers(),
      body: JSON.stringify({
        error: {
          code: 429,
          status: "RESOURCE_EXHAUSTED",
          message: "You exceeded your current quota",
          details: [
            { "@type": "type.googleapis.com/google.rpc.QuotaFailure", violations },
            { "@type": "type.googleapis.com/google.rpc.RetryInfo", retryDelay: "20s" },
            ...more,
          ],
        },
      }),
      nowMs: NOW,
      model: "gemini-3-pro",
    });

  test("the requests and the tokens of a minute, with their limits", () => {
    const facts = refusal([
      { quotaId: "GenerateRequestsPerMinutePerProjectPerModel-FreeTier", quotaValue: "15" },
      { quotaId: "GenerateContentInputTokensPerModelPerMinute-FreeTier", quotaValue: "250000" },
    ]);
    expect(facts?.rooms).toMatchObject([
      { dimension: "requests", span: "minute", limit: 15, remaining: 0, resetAtMs: NOW + 20_000 },
      { dimension: "input", span: "minute", limit: 250_000, remaining: 0, resetAtMs: NOW + 20_000 },
    ]);
  });

  test("the project, where the error names one", () => {
    const info = {
      "@type": "type.googleapis.com/google.rpc.ErrorInfo",
      metadata: { consumer: "projects/42" },
    };
    expect(refusal([], [info])).toEqual({ owner: "projects/42", rooms: [] });
  });

  test("a day's quota is left to the refusal, and nonsense says nothing", () => {
    expect(
      refusal([{ quotaId: "GenerateRequestsPerDayPerProjectPerModel-FreeTier", quotaValue: "50" }]),
    ).toBeNull();
    expect(refusal([{ quotaId: 7, quotaValue: "-1" }, { quotaValue: 3 }, {}])).toBeNull();
    expect(refusal([{ quotaId: "GenerateRequestsPerMinute", quotaValue: "1e999" }])).toBeNull();
    expect(
      gemini.roomOfFailure({ status: 400, headers: new Headers(), body: "{", nowMs: NOW, model: "m" }),
    ).toBeNull();
  });
});
