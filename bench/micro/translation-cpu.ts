/**
 * Microseconds of CPU that a translation costs, stage by stage, for every pair of dialects: a request of 1 KB, an
 * agent's of 40 KB, a whole reply of 1 KB, and each event of a streamed reply, alone and in a burst.
 *
 *     node_modules/.bin/bun bench/micro/translation-cpu.ts [--against TREE] [--pair CLIENT:UPSTREAM] [--rounds N]
 *
 * `--against`: another tree of this repository. Both trees take turns in one process; each figure is the median
 * of its rounds. Only figures of one run compare.
 */
import { Buffer } from "node:buffer";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import type { Codec } from "../../src/dialects/codec.ts";
import type { DialectName } from "../../src/dialects/dialect.ts";
import type { ModelReply } from "../../src/neutral/event.ts";
import type { TranslatedRequest } from "../../src/translate/translated-request.ts";
import {
  agentRequest,
  REPLIES,
  requestOf,
  STREAMS,
  type StreamSample,
  TOKENS,
} from "./translation-samples.ts";

const DIALECTS: readonly DialectName[] = ["openai-chat", "openai-responses", "anthropic-messages", "gemini"];
const MODELS: Readonly<Record<DialectName, string>> = {
  "openai-chat": "bench-model",
  "openai-responses": "gpt-5.4",
  "anthropic-messages": "claude-sonnet-4-5",
  gemini: "gemini-3-flash",
};

type Modules = Awaited<ReturnType<typeof load>>;

/** Older builds have all codecs in one table. */
type Codecs = Partial<typeof import("../../src/dialects/codecs.ts")> & {
  readonly CODECS: Readonly<Record<DialectName, Codec>>;
};

/** The code of one tree. */
async function load(tree: string) {
  const from = (path: string): string => join(tree, "src", path);
  const [
    codecs,
    { RequestTranslator },
    { ReplyTranslator },
    { makeSealMemory },
    { FAMILIES },
    traits,
    profiles,
  ] = await Promise.all([
    import(from("dialects/codecs.ts")) as Promise<Codecs>,
    import(from("translate/request.ts")) as Promise<typeof import("../../src/translate/request.ts")>,
    import(from("translate/reply.ts")) as Promise<typeof import("../../src/translate/reply.ts")>,
    import(from("translate/seal-memory.ts")) as Promise<typeof import("../../src/translate/seal-memory.ts")>,
    import(from("upstreams/index.ts")) as Promise<typeof import("../../src/upstreams/index.ts")>,
    import(from("upstreams/model-traits/model-traits-table.ts")) as Promise<
      typeof import("../../src/upstreams/model-traits/model-traits-table.ts")
    >,
    import(from("upstreams/profiles.ts")) as Promise<typeof import("../../src/upstreams/profiles.ts")>,
  ]);
  const table = traits.makeModelTraitsTable([]);
  const upstreams = {
    "openai-chat": { name: "openai-chat", family: FAMILIES.openai, profile: profiles.COMPATIBLE },
    "openai-responses": { name: "openai-responses", family: FAMILIES.openai, profile: profiles.OPENAI },
    "anthropic-messages": {
      name: "anthropic-messages",
      family: FAMILIES.anthropic,
      profile: profiles.ANTHROPIC,
    },
    gemini: { name: "gemini", family: FAMILIES.gemini, profile: profiles.GEMINI },
  };
  const config = {
    media: { fetch: false },
    server: { replyLimitBytes: 64 * 1024 * 1024 },
    translation: { bodyLimitBytes: 16 * 1024 * 1024 },
  };
  const gateway = {
    snapshot: { config, modelTraits: table },
    memory: makeSealMemory(1 << 20),
    fetchMedia: null,
  };
  await codecs.loadCodecs?.("openai-chat", DIALECTS);
  const codecOf = codecs.codecOf ?? ((dialect: DialectName) => codecs.CODECS[dialect]);
  return { codecOf, RequestTranslator, ReplyTranslator, upstreams, gateway };
}

const REPAIRS = {
  withoutSeals: false,
  systemFirst: false,
  returnReasoning: false,
};

type Form = "whole" | "stream" | "agent";

/** One request of one pair, as the proxy translates it. */
class Pair {
  readonly #modules: Modules;
  readonly #client: DialectName;
  readonly #upstream: DialectName;
  readonly #bodies: Readonly<Record<Form, Uint8Array>>;

  constructor(modules: Modules, client: DialectName, upstream: DialectName) {
    this.#modules = modules;
    this.#client = client;
    this.#upstream = upstream;
    const encode = (isStream: boolean): Uint8Array =>
      Buffer.from(JSON.stringify(requestOf(client, isStream)));
    this.#bodies = { whole: encode(false), stream: encode(true), agent: this.#encodeAgent() };
  }

  /** As a provider of the client's dialect would get it. */
  #encodeAgent(): Uint8Array {
    const { codecOf, upstreams, gateway } = this.#modules;
    const { family, profile } = upstreams[this.#client];
    const model = MODELS[this.#client];
    // Older builds ask for the family, whose method this is.
    const asked = { name: family.name, family, traitsOf: (plainName: string) => family.traitsOf(plainName) };
    const traits = gateway.snapshot.modelTraits.traitsOf(asked, this.#client, model);
    const options = { model, traits, profile, repairs: REPAIRS, purpose: "answer" } as const;
    return Buffer.from(
      JSON.stringify(codecOf(this.#client).encodeRequest(agentRequest(model), options).body),
    );
  }

  translate(form: Form) {
    const { RequestTranslator, ReplyTranslator, upstreams, gateway } = this.#modules;
    const exchange = {
      id: "01K00000000000000000000000",
      atMs: 1_790_000_000_123,
      route: { dialect: this.#client, purpose: "answer", isStream: form === "stream" },
      client: {},
      principal: { name: "bench" },
      modelAsked: MODELS[this.#upstream],
      amendment: null,
      isStrict: false,
      clientFraming: form === "stream" ? "sse" : "json",
    };
    const source = { gateway, exchange, body: this.#bodies[form] } as never;
    const translator = new RequestTranslator(source);
    const target = {
      upstream: upstreams[this.#upstream],
      model: MODELS[this.#upstream],
      dialects: [this.#upstream],
      repairs: Object.assign([], REPAIRS),
      // Older builds ask for one dialect, and for the repairs by name.
      dialect: this.#upstream,
    } as never;
    const translated = translator.encode(target) as TranslatedRequest;
    return {
      translated,
      replies: new ReplyTranslator(source, translator, { loses: () => undefined, promptTokens: null }),
    };
  }
}

interface Stage {
  readonly name: string;
  /** Does the work once; returns bytes written. */
  readonly work: () => number;
  readonly times: number;
  /** The figure is for one of these. */
  readonly units: number;
}

const encoder = new TextEncoder();

function stagesOf(pair: Pair, upstream: DialectName): readonly Stage[] {
  const { translated, replies } = pair.translate("whole");
  const whole = Buffer.from(REPLIES[upstream]);
  const streamed = pair.translate("stream");
  const { head, events, tail } = chunksOf(STREAMS[upstream]);
  const burst = Buffer.concat([head, ...events, tail]);
  const errorOf = (_: string | null, message: string): never => {
    throw new Error(message);
  };
  const stream = (chunks: readonly Uint8Array[]): number => {
    const tap = streamed.replies.stream(streamed.translated, "sse", errorOf);
    let size = 0;
    for (const chunk of chunks) size += tap.push(chunk)?.byteLength ?? 0;
    tap.endBody();
    return size + (tap.end()?.byteLength ?? 0);
  };
  return [
    {
      name: "request",
      work: () => pair.translate("whole").translated.body.byteLength,
      times: 300,
      units: 1,
    },
    {
      name: "agent's request",
      work: () => pair.translate("agent").translated.body.byteLength,
      times: 20,
      units: 1,
    },
    {
      name: "reply",
      work: () => {
        const seen = replies.readWhole(translated, "json", whole);
        if (replies.continue(translated, seen) !== null) throw new Error("the reply paused");
        return encoder.encode(replies.writeWhole(seen as ModelReply, "json")).byteLength;
      },
      times: 300,
      units: 1,
    },
    { name: "event alone", work: () => stream([head, ...events, tail]), times: 10, units: TOKENS },
    { name: "event in a burst", work: () => stream([burst]), times: 10, units: TOKENS },
  ];
}

function chunksOf({ head, event, tail }: StreamSample) {
  return {
    head: Buffer.from(head),
    events: Array.from({ length: TOKENS }, () => Buffer.from(event)),
    tail: Buffer.from(tail),
  };
}

/** Microseconds of CPU for one unit of the stage's work. */
function measure({ work, times, units }: Stage): number {
  const before = process.cpuUsage();
  let size = 0;
  for (let n = 0; n < times; n++) size += work();
  const { user, system } = process.cpuUsage(before);
  if (size === 0) throw new Error("nothing was written");
  return (user + system) / times / units;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}

const { values: options } = parseArgs({
  options: {
    against: { type: "string" },
    pair: { type: "string" },
    rounds: { type: "string", default: "40" },
  },
});
const trees = [resolve(import.meta.dir, "../.."), ...(options.against ? [resolve(options.against)] : [])];
const modules = await Promise.all(trees.map(load));
const pairs = DIALECTS.flatMap((client) => DIALECTS.map((upstream) => [client, upstream] as const)).filter(
  ([client, upstream]) => (options.pair ? options.pair === `${client}:${upstream}` : client !== upstream),
);
/** Of all pairs, before any is measured: the code of all of them is compiled by then. */
const WARM_ROUNDS = 30;
const all = pairs.map(([client, upstream]) => ({
  label: `${client} client, ${upstream} upstream`,
  sides: modules.map((each) => stagesOf(new Pair(each, client, upstream), upstream)),
}));
for (let round = 0; round < WARM_ROUNDS; round++)
  for (const { sides } of all) for (const stages of sides) for (const stage of stages) measure(stage);
console.log(`${"us of CPU, median".padEnd(68)}${options.against ? "now     before  ratio" : "now"}`);
for (const { label, sides } of all) {
  const count = (sides[0] as readonly Stage[]).length;
  for (let at = 0; at < count; at++) {
    const stages = sides.map((side) => side[at] as Stage);
    const figures: number[][] = stages.map(() => []);
    const ratios: number[] = [];
    for (let round = 0; round < Number(options.rounds); round++) {
      const order = round % 2 === 0 ? stages : stages.toReversed();
      const found = new Map(order.map((stage) => [stage, measure(stage)]));
      const [now, before] = stages.map((stage) => found.get(stage) as number);
      for (const [side, stage] of stages.entries()) figures[side]?.push(found.get(stage) as number);
      ratios.push((now as number) / (before ?? Number.NaN));
    }
    const shown = figures.map((each) => median(each).toFixed(2).padEnd(8)).join("");
    const ratio = options.against ? median(ratios).toFixed(2) : "";
    console.log(`${`${label}, ${stages[0]?.name}`.padEnd(68)}${shown}${ratio}`);
  }
}
