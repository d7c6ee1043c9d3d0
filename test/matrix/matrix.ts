/**
 * The matrix: a scenario is described once, with the expected view of each client for every dialect (and
 * provider, where that makes a difference). A dialect or provider without its line does not compile.
 */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { Books } from "./books.ts";
import { anthropicMessages } from "./clients/anthropic-messages.ts";
import { gemini } from "./clients/gemini.ts";
import { openaiChat } from "./clients/openai-chat.ts";
import { openaiResponses } from "./clients/openai-responses.ts";
import {
  type Ask,
  type Client,
  type DialectName,
  type Ending,
  type Json,
  NoWords,
  type Told,
  type Trouble,
  type UpstreamKind,
} from "./conversation.ts";
import { type Answer, MODELS, openStage, type Sent, SPOKEN, type Stage } from "./stage.ts";

export const CLIENTS: Readonly<Record<DialectName, Client>> = {
  "openai-chat": openaiChat,
  "openai-responses": openaiResponses,
  "anthropic-messages": anthropicMessages,
  gemini,
};
const DIALECTS = Object.keys(CLIENTS) as DialectName[];
const UPSTREAMS = Object.keys(MODELS) as UpstreamKind[];

export type Form = "whole" | "stream";

export interface Cell {
  readonly dialect: DialectName;
  readonly upstream: UpstreamKind;
  /** Both sides speak one dialect, so that the bytes are relayed. */
  readonly isRelay: boolean;
}

/** The expected view of a client; absent members are not checked. */
export interface Seen {
  readonly text?: string;
  readonly reasoning?: string;
  readonly calls?: readonly { readonly name: string; readonly args: Json }[];
  readonly ending?: Ending | null;
  readonly stopped?: string | null;
  readonly refusal?: string | null;
  readonly citations?: Told["citations"];
  readonly trouble?: Partial<Trouble>;
  /** Headers of the reply by name. */
  readonly headers?: Readonly<Record<string, RegExp>>;
  /** Fields that `x-clewline-dropped` names: these, and no others. */
  readonly dropped?: readonly string[];
}

/**
 * The client's dialect cannot express it, or the provider cannot take it: then the reply is a 400 that names
 * the field.
 */
export interface NotSupported {
  readonly reason: string;
  /** null: the client cannot ask for it. */
  readonly field: RegExp | null;
}

/** The provider lacks it, and the client gets a 400 that names the field. */
export function notSupported(reason: string, field: RegExp): NotSupported {
  return { reason, field };
}

/** This dialect cannot ask for it. */
export function noWords(reason: string): NotSupported {
  return { reason, field: null };
}

type Outcome = Seen | NotSupported;
type Outcomes = Outcome | Readonly<Record<UpstreamKind, Outcome>> | ((cell: Cell) => Outcome);

export interface Scenario {
  /** Orders to the simulated model. */
  readonly words?: string | Readonly<Record<UpstreamKind, string>> | ((cell: Cell, form: Form) => string);
  /** The provider's model; absent: the usual one. */
  readonly models?: Readonly<Record<UpstreamKind, string>>;
  /** The model's name in the request; absent: the name of the provider's model. */
  readonly asked?: (cell: Cell) => string | null;
  /** The turns of the conversation; each request holds the answers so far. */
  readonly asks: readonly ((told: readonly Told[]) => Ask)[];
  readonly forms?: readonly Form[];
  /** The expected view of the last answer; the answers before it must be good. */
  readonly expected: Readonly<Record<DialectName, Outcomes>>;
  /** Checks the requests that reached the provider in the whole conversation. */
  readonly sent?: (sent: readonly Sent[], cell: Cell) => void;
  /**
   * The reason why the client cannot get the provider's count, or gets another one; null: the client gets it.
   */
  readonly uncounted?: (cell: Cell, form: Form) => string | null;
}

let stage: Stage;
let books: Books;

/** Called once in a file: opens the gateway, and checks the ledger at the end. */
export function useStage(more = ""): () => Stage {
  setDefaultTimeout(60_000);
  beforeAll(async () => {
    stage = await openStage(more);
    books = new Books();
  });
  afterAll(() => stage.close());
  return () => stage;
}

/** Declares the last test of a file, which checks the ledger. */
export function testLedger(): void {
  test("each request has its row in the ledger: usage, dialects, stop reason and what was dropped", async () => {
    books.check(await stage.rows());
  });
}

/** The model's name in the client's request. */
export function modelOf(
  cell: Cell,
  { words = "", models = MODELS }: Pick<Scenario, "words" | "models">,
  form: Form = "whole",
): string {
  const { upstream } = cell;
  const said =
    typeof words === "function" ? words(cell, form) : typeof words === "string" ? words : words[upstream];
  return `${upstream}/${models[upstream]}${said === "" ? "" : `~${said}`}`;
}

export function cells(): Cell[] {
  return DIALECTS.flatMap((dialect) =>
    UPSTREAMS.map((upstream) => ({ dialect, upstream, isRelay: SPOKEN[upstream] === dialect })),
  );
}

/**
 * A name may begin with the numbers of the hard cases that the scenario covers (`H-8, H-16 …`): each of its
 * tests has them.
 */
export function matrix(name: string, scenario: Scenario): void {
  const cases = /^(?:H-\d+,? )*/.exec(name)?.[0] ?? "";
  describe(name.slice(cases.length), () => {
    for (const cell of cells()) {
      const outcome = outcomeOf(scenario.expected[cell.dialect], cell);
      const how = "reason" in outcome ? ` (not supported: ${outcome.reason})` : "";
      test(`${cases}${cell.dialect} to ${cell.upstream}${how}`, () => play(scenario, cell, outcome));
    }
  });
}

function outcomeOf(outcomes: Outcomes, cell: Cell): Outcome {
  if (typeof outcomes === "function") return outcomes(cell);
  return "anthropic" in outcomes ? outcomes[cell.upstream] : outcomes;
}

async function play(scenario: Scenario, cell: Cell, outcome: Outcome): Promise<void> {
  const client = CLIENTS[cell.dialect];
  if ("reason" in outcome && outcome.field === null) {
    const told = scenario.asks.map(() => NOTHING);
    expect(() => scenario.asks.map((ask) => client.write(ask(told), "any", false))).toThrow(NoWords);
    return;
  }
  const seen: Told[] = [];
  for (const form of scenario.forms ?? (["whole", "stream"] as const)) {
    const told = await playForm(scenario, cell, outcome, form);
    seen.push(...told.slice(-1).map((last) => comparable(last, scenario.uncounted === undefined)));
  }
  // The streamed answer equals the whole answer.
  const [whole, streamed] = seen;
  if (whole !== undefined && streamed !== undefined) expect(streamed).toEqual(whole);
}

/** Plays all turns in one form, and returns the client's view of each. */
async function playForm(scenario: Scenario, cell: Cell, outcome: Outcome, form: Form): Promise<Told[]> {
  const client = CLIENTS[cell.dialect];
  const told: Told[] = [];
  const sent: Sent[] = [];
  const model = scenario.asked?.(cell) ?? modelOf(cell, scenario, form);
  for (const [index, ask] of scenario.asks.entries()) {
    const isLast = index === scenario.asks.length - 1;
    const asked = ask(told);
    const answer = await stage.ask(client.write(asked, model, form === "stream"));
    sent.push(...answer.sent);
    if ("reason" in outcome && (isLast || answer.status !== 200)) {
      expectRefusal(client, answer, outcome);
      break;
    }
    const one = read(client, answer, form);
    told.push(one);
    const isOver = isLast || ("trouble" in outcome && one.trouble !== null);
    if (isOver) expectSeen(one, answer, outcome as Seen);
    else if (one.trouble !== null) throw new Error(`turn ${index + 1} failed: ${answer.text}`);
    const isCounted = (scenario.uncounted?.(cell, form) ?? null) === null;
    if (one.trouble === null && isCounted) await checkUsage(one, answer, cell, form);
    const isCutByUs = asked.stop !== undefined && cell.upstream === "openai";
    books.note(answer, isCounted ? one : { ...one, usage: null }, cell, form, isCutByUs);
    if (isOver) break;
  }
  if (!("reason" in outcome)) scenario.sent?.(sent, cell);
  return told;
}

function read(client: Client, answer: Answer, form: Form): Told {
  const type = answer.headers.get("content-type") ?? "";
  if (answer.status !== 200) {
    const trouble = client.readTrouble(answer.status, JSON.parse(answer.text));
    return { ...NOTHING, trouble };
  }
  expect(type).toStartWith(form === "stream" ? "text/event-stream" : "application/json");
  try {
    return form === "stream" ? client.readStream(answer.text) : client.readWhole(JSON.parse(answer.text));
  } catch (cause) {
    throw new Error(`${String(cause)}\n${answer.text.slice(0, 6_000)}`);
  }
}

const NOTHING: Told = {
  text: "",
  reasoning: "",
  calls: [],
  ending: null,
  stopped: null,
  usage: null,
  citations: [],
  refusal: null,
  trouble: null,
  native: [],
};

function expectRefusal(client: Client, answer: Answer, { field }: NotSupported): void {
  expect({ status: answer.status, text: answer.text }).toMatchObject({ status: 400 });
  const { message, fields } = client.readTrouble(400, JSON.parse(answer.text));
  expect([...fields, message].join("\n")).toMatch(field as RegExp);
  expect(answer.sent).toEqual([]);
}

function expectSeen(told: Told, answer: Answer, { dropped, headers = {}, ...seen }: Seen): void {
  const wanted = seen.trouble === undefined ? { ...seen, trouble: null } : seen;
  const calls = told.calls.map(({ name, args }) => ({ name, args }));
  expect({ ...told, calls }).toMatchObject(wanted as object);
  if (seen.calls !== undefined) expect(calls).toEqual([...seen.calls]);
  if (seen.citations !== undefined) expect(told.citations).toEqual(seen.citations);
  for (const [name, value] of Object.entries(headers)) expect(answer.headers.get(name)).toMatch(value);
  expect(droppedOf(answer)).toEqual([...(dropped ?? [])].sort());
}

function droppedOf({ headers }: Pick<Answer, "headers">): string[] {
  const names = headers.get("x-clewline-dropped");
  return names === null ? [] : names.split(", ").sort();
}

/** The client's counts equal the provider's counts, by the formulas of each pair of dialects. */
async function checkUsage(told: Told, answer: Answer, cell: Cell, form: Form): Promise<void> {
  const sent = answer.sent.at(-1);
  if (sent === undefined) return;
  const text = await stage.askProvider(sent);
  const provider = CLIENTS[SPOKEN[cell.upstream]];
  const isStream = sent.body.includes('"stream":true') || sent.path.includes(":streamGenerateContent");
  const direct = isStream ? provider.readStream(text) : provider.readWhole(JSON.parse(text));
  expect({ form, usage: told.usage }).toEqual({ form, usage: direct.usage });
}

/** Ids, and the seals that depend on them, differ from answer to answer. */
function comparable(told: Told, isCounted: boolean): Told {
  const calls = told.calls.map((call) => ({ ...call, id: "" }));
  const trouble = told.trouble === null ? null : { ...told.trouble, status: null, message: "" };
  return { ...told, calls, trouble, native: [], usage: isCounted ? told.usage : null };
}
