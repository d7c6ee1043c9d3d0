/**
 * Servers that speak Chat in their own way as columns of the matrix: each client dialect holds each conversation with each
 * persona of the simulator, whole and streamed. The short form takes a seventh of the cells, other ones for each scene.
 */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { PERSONA_NAMES, PERSONAS } from "../../src/simulator/personas/personas.ts";
import { foldChunks, laxChat } from "./clients/lax-chat.ts";
import {
  type Ask,
  type DialectName,
  model,
  NoWords,
  type Result,
  say,
  type Told,
  type Usage,
  user,
} from "./conversation.ts";
import type { Form } from "./matrix.ts";
import {
  ELSEWHERE,
  good,
  modelOf,
  openPersonaStage,
  PERSONA_CLIENTS,
  type PersonaName,
  type PersonaStage,
  type Played,
} from "./persona-stage.ts";
import { CLOCK, WEATHER, WEATHER_ARGS } from "./samples.ts";

setDefaultTimeout(60_000);

let stage: PersonaStage;
beforeAll(async () => {
  stage = await openPersonaStage();
});
afterAll(() => stage.close());

interface Cell {
  readonly dialect: DialectName;
  readonly persona: PersonaName;
  readonly form: Form;
}

interface Scene {
  readonly words?: string;
  /** The persona's model; absent: the first that it lists. */
  readonly model?: (persona: PersonaName) => string;
  readonly personas?: (persona: PersonaName) => boolean;
  /** The turns; `isElsewhere`: another provider answers this one. */
  readonly asks: readonly { readonly ask: (told: readonly Told[]) => Ask; readonly isElsewhere?: true }[];
  readonly see: (last: Played, cell: Cell) => void;
  /** The gateway ends the answer, so that the server does not say what it counted. */
  readonly isCutByUs?: (persona: PersonaName) => boolean;
}

const IS_FULL = (process.env.CLEWLINE_TEST_FULL ?? "") !== "";
const SHARE = IS_FULL ? 1 : 7;
const DIALECTS = Object.keys(PERSONA_CLIENTS) as DialectName[];
const billed: { readonly id: string; readonly usage: Usage; readonly cell: Cell }[] = [];
let scenes = 0;

function scene(name: string, played: Scene): void {
  const offset = scenes++;
  describe(name, () => {
    for (const [at, persona] of PERSONA_NAMES.entries()) {
      if (played.personas?.(persona) === false) continue;
      for (const [column, dialect] of DIALECTS.entries()) {
        if ((at + column * 2 + offset * 3) % SHARE !== 0) continue;
        test(`${dialect} to ${persona}`, async () => {
          for (const form of ["whole", "stream"] as const) await play(played, { dialect, persona, form });
        });
      }
    }
  });
}

async function play({ words = "", model: named, asks, see, isCutByUs }: Scene, cell: Cell): Promise<void> {
  const { dialect, persona, form } = cell;
  const client = PERSONA_CLIENTS[dialect];
  const told: Told[] = [];
  for (const [index, { ask, isElsewhere }] of asks.entries()) {
    const name = isElsewhere ? `${ELSEWHERE}~${words}` : modelOf(persona, words, named?.(persona));
    let played: Played;
    try {
      played = await stage.play(client, ask(told), name, form);
    } catch (error) {
      // The dialect cannot say it.
      if (error instanceof NoWords) return;
      throw error;
    }
    if (index === asks.length - 1) see(played, cell);
    else told.push(good(played));
    if (played.told !== null && !isElsewhere && isCutByUs?.(persona) !== true) await note(played, cell);
  }
}

/** What the persona itself counts for the request that it answered, which is what the ledger has to say. */
async function note({ headers, sent }: Played, cell: Cell): Promise<void> {
  const id = headers.get("x-request-id") ?? headers.get("request-id");
  const body = sent.at(-1);
  if (id === null || body === undefined) throw new Error("the reply has no id, or nothing was asked");
  const text = await stage.askProvider(cell.persona, body);
  const { usage } = body.includes('"stream":true')
    ? laxChat.readWhole(foldChunks(text))
    : laxChat.readWhole(JSON.parse(text));
  billed.push({ id, usage: usage as Usage, cell });
}

const hears =
  (...texts: readonly string[]) =>
  (last: Played): void => {
    const told = good(last);
    for (const text of texts) expect(told.text).toContain(text);
    expect({ calls: told.calls, ending: told.ending }).toEqual({ calls: [], ending: "end" });
  };

const REASONING = "The question is read first.";

scene("text, and a second turn", {
  asks: [
    {
      ask: () => ({ system: ["Be brief."], turns: [user("Hello, how are you? 🙂 東京")], maxTokens: 4_000 }),
    },
    {
      ask: ([first]) => ({
        system: ["Be brief."],
        turns: [user("Hello, how are you? 🙂 東京"), model(first as Told), user("And now?")],
        maxTokens: 4_000,
      }),
    },
  ],
  see: hears("And now?"),
});

const withTools = (): Ask => ({ turns: [user("What is it like outside?")], tools: [WEATHER, CLOCK] });
const results = ({ calls }: Told): Result[] =>
  calls.map((call, index) => ({ call, content: [say(`result ${index + 1}`)] }));
const looped = ([first]: readonly Told[]): Ask => ({
  ...withTools(),
  turns: [...withTools().turns, model(first as Told), { by: "tools", results: results(first as Told) }],
});
const calls = (last: Played): void => {
  const told = good(last);
  expect({ calls: told.calls.map(({ name, args }) => ({ name, args })), ending: told.ending }).toEqual({
    calls: [
      { name: "get_weather", args: WEATHER_ARGS },
      { name: "get_time", args: {} },
    ],
    ending: "calls",
  });
};

scene("two tools", { words: "calls=2", asks: [{ ask: withTools }], see: calls });

scene("the results of tools, and a further turn", {
  words: "calls=2",
  asks: [
    { ask: withTools },
    { ask: looped },
    {
      ask: ([first, second]) => ({
        ...looped([first as Told]),
        turns: [...looped([first as Told]).turns, model(second as Told), user("Thanks. More?")],
      }),
    },
  ],
  see(last, { persona }) {
    // The simulated model calls its tools for each new question.
    expect(good(last).ending).toBe("calls");
    // Kimi's models read the function's name from the id.
    if (persona === "moonshot") expect(last.sent.at(-1)).toContain('"functions.get_weather:0"');
  },
});

scene("a user's words behind the results", {
  words: "calls=2",
  asks: [
    { ask: withTools },
    {
      ask: (told) => ({
        ...looped(told),
        turns: [...looped(told).turns, user("And one more thing: hurry.")],
      }),
    },
  ],
  see: (last) => expect(last.sent.at(-1)).toContain("And one more thing: hurry."),
});

scene("calls of another provider", {
  words: "calls=2",
  asks: [{ ask: withTools, isElsewhere: true }, { ask: looped }],
  see: hears("result 1", "result 2"),
});

scene("instructions between the turns", {
  words: "says=Yes.",
  asks: [
    { ask: () => ({ system: ["First rule."], turns: [user("Well?")] }) },
    {
      ask: ([first]) => ({
        system: ["First rule."],
        turns: [
          user("Well?"),
          model(first as Told),
          user("Once more."),
          { by: "system", text: "Second rule." },
        ],
      }),
    },
  ],
  see(last) {
    expect(good(last).text).toContain("Yes.");
    expect(last.sent.at(-1)).toContain("Second rule.");
  },
});

/** A model that thinks, and can be told so. */
const THINKER: Partial<Record<PersonaName, string>> = {
  xai: "grok-4.3",
  openrouter: "anthropic/claude-sonnet-5",
};
const thinker = (persona: PersonaName): string => THINKER[persona] ?? (PERSONAS[persona].models[0] as string);
/** LiteLLM, New API and resellers have whatever stands behind them. */
const thinks = (persona: PersonaName): boolean => !/^(?:litellm|new-api|reseller)$/.test(persona);

const thinking = (): Ask => ({ ...withTools(), thinks: true });

scene("thinking, given back with the results of tools", {
  words: "calls=2",
  model: thinker,
  personas: thinks,
  asks: [{ ask: thinking }, { ask: (told) => ({ ...looped(told), thinks: true }) }],
  see(last, { persona, dialect }) {
    const told = good(last);
    expect(told.text).toContain("result 2");
    // Requests of Chat pass as they are, and these servers have another word for thinking than the client.
    if (dialect === "openai-chat" && /^(?:mistral|siliconflow)$/.test(persona)) return;
    const seen = persona === "minimax" ? told.text + told.reasoning : told.reasoning;
    expect([persona, dialect, seen]).toEqual([persona, dialect, expect.stringContaining(REASONING)]);
    // The reasoning of the first turn is in the request of the second, wherever that server wants it.
    expect([persona, dialect, last.sent.at(-1)?.includes(REASONING)]).toEqual([persona, dialect, true]);
  },
});

const OFF: NonNullable<Ask["also"]> = {
  "openai-chat": { reasoning_effort: "none" },
  "openai-responses": { reasoning: { effort: "none" } },
  "anthropic-messages": { thinking: { type: "disabled" } },
  gemini: { generationConfig: { thinkingConfig: { thinkingBudget: 0 } } },
};
/** Their first models cannot be told not to think, or there is no documented way. */
const ALWAYS = /^(?:groq|xai|lmstudio|minimax|together|ollama)$/;

scene("thinking switched off", {
  personas: (persona) => thinks(persona) && !ALWAYS.test(persona),
  asks: [{ ask: () => ({ turns: [user("Hello?")], also: OFF }) }],
  see(last, { dialect }) {
    const told = good(last);
    expect(told.text).toContain("Hello?");
    // Requests of Chat pass as they are: its clients know their server.
    if (dialect !== "openai-chat") expect(told.reasoning).toBe("");
  },
});

const FORCED: NonNullable<Ask["also"]> = {
  "openai-chat": { tool_choice: "required" },
  "openai-responses": { tool_choice: "required" },
  "anthropic-messages": { tool_choice: { type: "any" } },
  gemini: { toolConfig: { functionCallingConfig: { mode: "ANY" } } },
};

scene("a tool that must be called", {
  words: "calls=2",
  asks: [{ ask: () => ({ ...withTools(), also: FORCED }) }],
  see: calls,
});

const VERDICT = {
  type: "object",
  properties: { verdict: { type: "string", enum: ["good", "bad"] } },
  required: ["verdict"],
  additionalProperties: false,
};

scene("structured output", {
  words: 'says={"verdict":"good"}'.replaceAll(",", "%2C"),
  asks: [{ ask: () => ({ turns: [user("Judge it in JSON.")], schema: VERDICT }) }],
  see(last, { dialect, persona }) {
    // Chat is relayed, and DeepSeek takes no schema: its clients are told so.
    if (dialect === "openai-chat" && persona === "deepseek") return expect(last.status).toBe(400);
    expect(good(last).text).toContain('{"verdict":"good"}');
    expect(last.sent.at(-1)?.replaceAll("\\", "")).toContain('"enum":["good","bad"]');
  },
});

scene("a stop sequence", {
  words: "says=Before. HALT After.",
  asks: [{ ask: () => ({ turns: [user("Go on.")], stop: ["HALT"] }) }],
  isCutByUs: (persona) => persona === "xai",
  see: (last, { dialect, persona }) => {
    // Chat is relayed: what xAI does not take is left out, and its client looks for itself.
    if (dialect === "openai-chat" && persona === "xai") return;
    expect(good(last).text).toEndWith("Before. ");
  },
});

const MARKED: NonNullable<Ask["also"]> = {
  "anthropic-messages": {
    system: [
      { type: "text", text: "A rule of the house. ".repeat(300), cache_control: { type: "ephemeral" } },
    ],
  },
};

describe("cache marks for Claude behind a reseller are billed as reads", () => {
  for (const persona of ["openrouter", "litellm"] as const) {
    test(`anthropic-messages to ${persona}`, async () => {
      const ask = (): Ask => ({ turns: [user("Hello?")], also: MARKED });
      const name = modelOf(persona, "");
      const [, second] = [
        await stage.play(PERSONA_CLIENTS["anthropic-messages"], ask(), name, "whole"),
        await stage.play(PERSONA_CLIENTS["anthropic-messages"], ask(), name, "whole"),
      ];
      expect(good(second as Played).usage?.cached).toBeGreaterThan(1_000);
    });
  }
});

const LONG = "It was a long day. ".repeat(400);

scene("a prompt that is longer than the context", {
  model: () => "small-1k",
  asks: [{ ask: () => ({ turns: [user(LONG)], maxTokens: 100 }) }],
  see({ status, text, sent }, { dialect, persona }) {
    const error = (JSON.parse(text) as { error?: Record<string, unknown> }).error ?? {};
    // A client of Chat has members of its own, which are left out one after the other.
    expect([persona, dialect, sent.length]).toEqual([
      persona,
      dialect,
      dialect === "openai-chat" ? expect.any(Number) : 1,
    ]);
    if (dialect === "anthropic-messages") {
      expect([status, error.type]).toEqual([400, "invalid_request_error"]);
      expect(String(error.message)).toMatch(/^prompt is too long/);
    } else if (dialect === "openai-responses") expect(error.code).toBe("context_length_exceeded");
    else if (dialect === "gemini") expect([status, error.status]).toEqual([400, "INVALID_ARGUMENT"]);
    else expect(status).toBeGreaterThanOrEqual(400);
  },
});

test("the ledger has what each server counted, wherever it says so", async () => {
  const rows = new Map(
    (await stage.rows()).map((row) => [row.request_id, row as unknown as Record<string, unknown>]),
  );
  expect(billed.length).toBeGreaterThan(IS_FULL ? 1_000 : 100);
  for (const { id, usage, cell } of billed) {
    const row = rows.get(id);
    expect({
      cell,
      input: row?.input_tokens,
      output: row?.output_tokens,
      reasoning: row?.reasoning_tokens ?? 0,
      state: row?.usage_state,
    }).toEqual({
      cell,
      input: usage.input,
      output: usage.output,
      reasoning: usage.reasoning,
      state: "final",
    });
  }
});
