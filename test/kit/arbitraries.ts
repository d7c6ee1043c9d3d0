/**
 * Arbitrary answers and requests in the neutral language, for property tests of codecs and of the language
 * itself.
 */
import type { JsonObject } from "../../src/core/json.ts";
import "./property-seed.ts";
import fc from "fast-check";
import type { BlockStart, ModelEvent, ModelReply, Stop, StopKind } from "../../src/neutral/event.ts";
import type {
  Annotation,
  AssistantMessage,
  AssistantPart,
  CacheHint,
  ImagePart,
  Message,
  Seal,
  TextPart,
  ToolCallPart,
  ToolResultPart,
  UserMessage,
  UserPart,
} from "../../src/neutral/message.ts";
import type {
  CustomTool,
  FunctionTool,
  ModelRequest,
  OutputFormat,
  ReasoningRequest,
  Tool,
  ToolChoice,
  ToolName,
} from "../../src/neutral/request.ts";
import { EFFORTS } from "../../src/neutral/traits.ts";
import { makeUsage, type Usage } from "../../src/neutral/usage.ts";

/**
 * The features of a dialect; a false feature does not occur. The default: all true, and the maker
 * `anthropic`.
 */
export interface Features {
  /** The maker of all seals; null: there are no seals. */
  readonly maker: string | null;
  readonly reasoning: boolean;
  readonly refusals: boolean;
  readonly searches: boolean;
  readonly annotations: boolean;
  readonly images: boolean;
  readonly customTools: boolean;
  readonly namespaces: boolean;
  /** Text blocks with a phase. */
  readonly phases: boolean;
  readonly cacheHints: boolean;
  /** Instructions between the turns. */
  readonly midSystem: boolean;
  /** Texts that are empty. */
  readonly emptyText: boolean;
  /** Results of tools that are marked as errors. */
  readonly toolErrors: boolean;
  readonly stops: readonly StopKind[];
  /** An answer may have no id, no model or no usage. */
  readonly unknowns: boolean;
}

const ALL: Features = {
  maker: "anthropic",
  reasoning: true,
  refusals: true,
  searches: true,
  annotations: true,
  images: true,
  customTools: true,
  namespaces: true,
  phases: true,
  cacheHints: true,
  midSystem: true,
  emptyText: true,
  toolErrors: true,
  stops: ["end", "stop-sequence", "length", "context-full", "tool-calls", "refusal", "pause", "continuation"],
  unknowns: true,
};

function featuresOf(features: Partial<Features>): Features {
  return { ...ALL, ...features };
}

/**
 * Texts that break framing, escaping and offsets: line ends of every kind, quotes, astral characters, names
 * of the prototype.
 */
const UGLY_TEXTS = [
  "\u2028",
  "\u2029",
  "\u0085",
  "\r\n",
  "\n\n",
  "\r",
  "data: [DONE]",
  '{"a":"b"}',
  '"',
  "\\",
  "\\n",
  "\\ud83d",
  "😀",
  "👩‍👩‍👧‍👦",
  "e\u0301",
  "\u0000",
  "\ufeff",
  "__proto__",
  "constructor",
  "</system-reminder>",
  "日本語",
  "\t ",
];

/** Text of whole characters, not empty, often a difficult one. */
export function text(): fc.Arbitrary<string> {
  const piece = fc.oneof(
    { weight: 3, arbitrary: fc.string({ minLength: 1, maxLength: 12 }) },
    { weight: 1, arbitrary: fc.string({ unit: "binary", minLength: 1, maxLength: 6 }) },
    { weight: 3, arbitrary: fc.constantFrom(...UGLY_TEXTS) },
  );
  return fc.array(piece, { minLength: 1, maxLength: 5 }).map((pieces) => pieces.join(""));
}

/** Text with words in it: never blank. */
function words(): fc.Arbitrary<string> {
  return text().map((value) => `w${value}`);
}

function maybe<T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | null> {
  return fc.option(arbitrary, { nil: null, freq: 2 });
}

/** An optional member: absent, but never null. */
function optional<K extends string, T>(
  name: K,
  arbitrary: fc.Arbitrary<T>,
  isWanted: boolean,
): fc.Arbitrary<{ [name in K]?: T }> {
  if (!isWanted) return fc.constant({});
  return fc.option(arbitrary, { nil: null, freq: 3 }).map((value) => {
    return value === null ? {} : ({ [name]: value } as { [name in K]?: T });
  });
}

function merged<A extends object, B extends object>(
  a: fc.Arbitrary<A>,
  b: fc.Arbitrary<B>,
): fc.Arbitrary<A & B> {
  return fc.tuple(a, b).map(([first, second]) => ({ ...first, ...second }));
}

/** A JSON object as `JSON.parse` makes it: `__proto__` is an ordinary key. */
export function jsonObject(): fc.Arbitrary<JsonObject> {
  const key = fc.oneof(
    fc.string({ minLength: 1, maxLength: 6 }),
    fc.constantFrom("__proto__", "constructor", "input", "a\nb"),
  );
  const leaf = fc.oneof(text(), fc.integer(), fc.boolean(), fc.constant(null));
  const value = fc.oneof(leaf, fc.array(leaf, { maxLength: 3 }), entries(key, leaf));
  return entries(key, value);
}

function entries(key: fc.Arbitrary<string>, value: fc.Arbitrary<unknown>): fc.Arbitrary<JsonObject> {
  return fc
    .uniqueArray(fc.tuple(key, value), { maxLength: 4, selector: ([name]) => name })
    .map(Object.fromEntries);
}

/** A JSON Schema of an object, with closed and open ones, lists, references and constraints. */
export function schema(): fc.Arbitrary<JsonObject> {
  const leaf = fc.constantFrom<JsonObject>(
    { type: "string", description: 'a "name"' },
    { type: "string", enum: ["a", "b"] },
    { type: "integer", minimum: 1, maximum: 9 },
    { type: "array", items: { type: "number" } },
    { type: "object", properties: { x: { type: "boolean" } }, required: ["x"], additionalProperties: false },
  );
  const name = fc.constantFrom("path", "count", "__proto__", "$ref", "type");
  return entries(name, leaf).map((properties) => ({ type: "object", properties }));
}

/** A seal of a maker, in one of the places. */
function seal(maker: string, ...places: Seal["place"][]): fc.Arbitrary<Seal> {
  const data = fc.base64String({ minLength: 4, maxLength: 40 });
  return fc.tuple(fc.constantFrom(...places), data).map(([place, value]) => ({ maker, place, data: value }));
}

function seals(features: Features, ...places: Seal["place"][]): fc.Arbitrary<Seal | null> {
  return features.maker === null ? fc.constant(null) : maybe(seal(features.maker, ...places));
}

/** An id of a call, legal on every wire. */
function callId(): fc.Arbitrary<string> {
  return fc
    .string({ unit: fc.constantFrom(..."abcXYZ019_-"), minLength: 6, maxLength: 16 })
    .map((id) => `call_${id}`);
}

/** A tool's name, legal on every wire. */
function toolName(): fc.Arbitrary<string> {
  return fc
    .string({ unit: fc.constantFrom(..."abcxyz_09"), minLength: 1, maxLength: 12 })
    .map((name) => `t${name}`);
}

function namespace(features: Features): fc.Arbitrary<string | null> {
  return features.namespaces ? maybe(fc.constantFrom("agents_v1", "fs")) : fc.constant(null);
}

function cacheHint(): fc.Arbitrary<CacheHint> {
  return fc.constantFrom<CacheHint["ttl"]>(null, "5m", "1h").map((ttl) => ({ ttl }));
}

function annotations(of: string): fc.Arbitrary<Annotation[]> {
  const length = [...of].length;
  const span = fc
    .tuple(fc.nat(length), fc.nat(length))
    .map(([a, b]) => ({ start: Math.min(a, b), end: Math.max(a, b) }));
  const annotation = fc.record({ span, title: maybe(words()), citedText: maybe(words()), path: fc.nat(99) });
  return fc.array(annotation, { maxLength: 2 }).map((all) =>
    all.map(({ span: { start, end }, title, citedText, path }) => ({
      kind: "url",
      url: `https://example.com/${path}`,
      title,
      citedText,
      start,
      end,
    })),
  );
}

function textPart(features: Features): fc.Arbitrary<TextPart> {
  const content = features.emptyText
    ? fc.oneof({ weight: 9, arbitrary: text() }, { weight: 1, arbitrary: fc.constant("") })
    : words();
  return content.chain((value) =>
    fc
      .record({
        annotations: features.annotations ? annotations(value) : fc.constant([]),
        seal: seals(features, "text"),
        phase: features.phases ? maybe(fc.constantFrom("commentary", "final_answer")) : fc.constant(null),
      })
      .map((more) => ({
        type: "text",
        text: value,
        ...(more.annotations.length === 0 ? null : { annotations: more.annotations }),
        ...(more.seal === null ? null : { seal: more.seal }),
        ...(more.phase === null ? null : { phase: more.phase }),
      })),
  );
}

/** Arguments with any white space that a model may write, or the input of a custom tool. */
function callInput(kind: "function" | "custom"): fc.Arbitrary<string> {
  if (kind === "custom") return text();
  return fc
    .tuple(jsonObject(), fc.constantFrom(undefined, 1))
    .map(([value, space]) => JSON.stringify(value, null, space));
}

function toolCall(
  features: Features,
  tool: ToolName & { kind: "function" | "custom" },
): fc.Arbitrary<ToolCallPart> {
  return fc
    .record({ id: callId(), input: callInput(tool.kind), seal: seals(features, "call") })
    .map((more) => ({
      type: "tool-call",
      id: more.id,
      name: tool.name,
      namespace: tool.namespace,
      kind: tool.kind,
      input: more.input,
      ...(more.seal === null ? null : { seal: more.seal }),
    }));
}

function anyTool(features: Features): fc.Arbitrary<ToolName & { kind: "function" | "custom" }> {
  return fc.record({
    name: toolName(),
    namespace: namespace(features),
    kind: features.customTools ? fc.constantFrom("function", "custom") : fc.constant("function"),
  });
}

function reasoningPart(features: Features): fc.Arbitrary<AssistantPart> {
  const shown = fc.tuple(words(), seals(features, "reasoning"));
  if (features.maker === null)
    return shown.map(([value]) => ({ type: "reasoning", text: value, seal: null }));
  const hidden = fc.tuple(fc.constant(""), seal(features.maker, "reasoning", "redacted"));
  return fc.oneof(shown, hidden).map(([value, mark]) => ({ type: "reasoning", text: value, seal: mark }));
}

function searchPart(features: Features): fc.Arbitrary<AssistantPart> {
  const source = fc.record({ url: fc.webUrl(), title: maybe(words()) });
  return fc
    .record({
      id: callId(),
      queries: fc.array(words(), { maxLength: 2 }),
      sources: fc.array(source, { maxLength: 2 }),
      raw: seals(features, "raw"),
    })
    .map((part) => ({ type: "search", ...part }));
}

function imagePart(at: string): fc.Arbitrary<ImagePart> {
  return fc
    .tuple(fc.constantFrom("image/png", "image/jpeg"), fc.base64String({ minLength: 4, maxLength: 40 }))
    .map(([mimeType, data]) => ({ type: "image", source: { kind: "base64", mimeType, data }, at }));
}

function assistantPart(
  features: Features,
  tool: fc.Arbitrary<ToolName & { kind: "function" | "custom" }>,
): fc.Arbitrary<AssistantPart> {
  const parts: fc.WeightedArbitrary<AssistantPart>[] = [
    { weight: 4, arbitrary: textPart(features) },
    { weight: 4, arbitrary: tool.chain((each) => toolCall(features, each)) },
  ];
  if (features.reasoning) parts.push({ weight: 2, arbitrary: reasoningPart(features) });
  if (features.refusals)
    parts.push({ weight: 1, arbitrary: words().map((value) => ({ type: "refusal", text: value })) });
  if (features.searches) parts.push({ weight: 1, arbitrary: searchPart(features) });
  return fc.oneof(...parts);
}

function withUniqueIds(parts: readonly AssistantPart[], turn: number): AssistantPart[] {
  return parts.map((part, index) => {
    return part.type === "tool-call" || part.type === "search"
      ? { ...part, id: `${part.id}_${turn}_${index}` }
      : part;
  });
}

/** Token counts that make sense. */
export function usage(): fc.Arbitrary<Usage> {
  const count = maybe(fc.nat(100_000));
  return fc
    .record({
      inputTokens: fc.nat(1_000_000),
      cacheReadTokens: count,
      cacheWriteTokens: count,
      cacheWrite1hTokens: fc.constant(null),
      outputTokens: fc.nat(100_000),
      reasoningTokens: count,
    })
    .map(makeUsage);
}

function stop(features: Features, parts: readonly AssistantPart[]): fc.Arbitrary<Stop> {
  const isCalling = parts.some((part) => part.type === "tool-call");
  const kinds = features.stops.filter((kind) => (kind === "tool-calls") === isCalling || kind === "length");
  const kind = fc.constantFrom<StopKind>(...(kinds.length === 0 ? features.stops : kinds));
  return kind.chain((each) =>
    fc.record({
      kind: fc.constant(each),
      raw: fc.constant(null),
      sequence: each === "stop-sequence" ? fc.constantFrom("END", "\n\nHuman:") : fc.constant(null),
      explanation: each === "refusal" ? maybe(words()) : fc.constant(null),
      category: fc.constant(null),
      token: each === "continuation" ? words() : fc.constant(null),
    }),
  );
}

/** A whole answer, as `fold` gives it. */
export function modelReply(features: Partial<Features> = {}): fc.Arbitrary<ModelReply> {
  const all = featuresOf(features);
  const unknown = <T>(arbitrary: fc.Arbitrary<T>) => (all.unknowns ? maybe(arbitrary) : arbitrary);
  return fc
    .array(assistantPart(all, anyTool(all)), { maxLength: 5 })
    .map((parts) => withUniqueIds(parts, 0))
    .chain((parts) =>
      fc.record({
        id: unknown(callId()),
        model: unknown(fc.constantFrom("model-1", "vendor/model:2")),
        parts: fc.constant(parts),
        usage: unknown(usage()),
        stop: stop(all, parts),
      }),
    );
}

/**
 * The events of an answer, with texts in arbitrary pieces of whole characters and usage at arbitrary places.
 * Ends with `end`.
 */
export function modelEvents(features: Partial<Features> = {}): fc.Arbitrary<ModelEvent[]> {
  return fc
    .tuple(modelReply(features), fc.infiniteStream(fc.integer({ min: 1, max: 4 })))
    .map(([reply, sizes]) => {
      const events: ModelEvent[] = [{ type: "start", id: reply.id, model: reply.model }];
      for (const part of reply.parts) pushPart(events, part, sizes);
      if (reply.usage !== null) events.push({ type: "usage", usage: reply.usage });
      events.push({ type: "end", stop: reply.stop });
      return events;
    });
}

function pushPart(events: ModelEvent[], part: AssistantPart, sizes: Iterator<number>): void {
  if (part.type === "search" || part.type === "image" || part.type === "opaque") {
    events.push({ type: "part", part });
    return;
  }
  events.push({ type: "open", block: blockOf(part) });
  const characters = [...(part.type === "tool-call" ? part.input : part.text)];
  while (characters.length > 0) {
    events.push({ type: "delta", text: characters.splice(0, sizes.next().value ?? 1).join("") });
  }
  for (const annotation of (part.type === "text" && part.annotations) || [])
    events.push({ type: "annotation", annotation });
  const mark = part.type === "text" || part.type === "reasoning" ? (part.seal ?? null) : null;
  events.push({ type: "close", seal: mark });
}

function blockOf(part: Exclude<AssistantPart, { type: "search" | "image" | "opaque" }>): BlockStart {
  switch (part.type) {
    case "text":
      return { kind: "text", phase: part.phase ?? null };
    case "tool-call":
      return {
        kind: "tool-call",
        id: part.id,
        name: part.name,
        namespace: part.namespace,
        call: part.kind,
        seal: part.seal ?? null,
      };
    default:
      return { kind: part.type };
  }
}

function functionTool(tool: ToolName, at: string, features: Features): fc.Arbitrary<FunctionTool> {
  return fc
    .record({
      description: maybe(words()),
      parameters: maybe(schema()),
      strict: maybe(fc.boolean()),
      cache: features.cacheHints ? maybe(cacheHint()) : fc.constant(null),
    })
    .map((more) => ({
      kind: "function",
      name: tool.name,
      namespace: tool.namespace,
      isDeferred: false,
      at,
      ...more,
    }));
}

function customTool(tool: ToolName, at: string): fc.Arbitrary<CustomTool> {
  const grammar = fc.constantFrom<CustomTool["grammar"]>(null, { syntax: "regex", definition: "^a+$" });
  return fc
    .record({ description: maybe(words()), grammar })
    .map((more) => ({ kind: "custom", name: tool.name, namespace: tool.namespace, at, ...more }));
}

function tools(features: Features): fc.Arbitrary<Tool[]> {
  const distinct = fc.uniqueArray(anyTool(features), { maxLength: 4, selector: (tool) => tool.name });
  return distinct.chain((all) =>
    fc.tuple(
      ...all.map((tool, index) =>
        tool.kind === "custom"
          ? customTool(tool, `tools[${index}]`)
          : functionTool(tool, `tools[${index}]`, features),
      ),
    ),
  );
}

/** The user's words beside the results. */
function userParts(features: Features): fc.Arbitrary<UserPart[]> {
  const said = merged(
    words().map((value) => ({ type: "text" as const, text: value })),
    optional("cache", cacheHint(), features.cacheHints),
  );
  const part = features.images
    ? fc.oneof({ weight: 3, arbitrary: said }, { weight: 1, arbitrary: imagePart("messages") })
    : said;
  return fc.array<UserPart>(part, { minLength: 1, maxLength: 3 });
}

function toolResult(features: Features, call: ToolCallPart): fc.Arbitrary<ToolResultPart> {
  return fc
    .record({
      content: fc.array(
        words().map((value): TextPart => ({ type: "text", text: value })),
        { maxLength: 2 },
      ),
      isError: features.toolErrors ? fc.boolean() : fc.constant(false),
    })
    .map((more) => ({ type: "tool-result", callId: call.id, name: null, at: "messages", ...more }));
}

/**
 * A turn of the assistant and the user's next turn, with a result for each call, sometimes followed by
 * instructions.
 */
function exchange(features: Features, declared: readonly Tool[], turn: number): fc.Arbitrary<Message[]> {
  const callable = declared.filter(
    (tool): tool is FunctionTool | CustomTool => tool.kind === "function" || tool.kind === "custom",
  );
  const tool = callable.length === 0 ? anyTool(features) : fc.constantFrom(...callable);
  return fc
    .array(assistantPart({ ...features, emptyText: false }, tool), { minLength: 1, maxLength: 4 })
    .map((parts) => withUniqueIds(parts, turn))
    .chain((parts) => {
      const calls = parts.filter((part): part is ToolCallPart => part.type === "tool-call");
      return fc.record({
        assistant: fc.constant<AssistantMessage>({ role: "assistant", parts }),
        results: fc.tuple(...calls.map((call) => toolResult(features, call))),
        said: calls.length > 0 ? fc.oneof(fc.constant([]), userParts(features)) : userParts(features),
        system: features.midSystem ? maybe(words()) : fc.constant(null),
      });
    })
    .map(({ assistant, results, said, system }): Message[] => {
      const user: UserMessage = { role: "user", parts: [...results, ...said] };
      if (system === null) return [assistant, user];
      return [assistant, user, { role: "system", parts: [{ type: "text", text: system }] }];
    });
}

function conversation(features: Features, declared: readonly Tool[]): fc.Arbitrary<Message[][]> {
  const first = userParts(features).map((parts): Message[] => [{ role: "user", parts }]);
  const rest = fc.nat(3).chain((turns) => {
    return fc.tuple(...Array.from({ length: turns + 1 }, (_, turn) => exchange(features, declared, turn)));
  });
  return fc.tuple(first, rest).map(([head, turns]) => [head, ...turns]);
}

function toolChoice(declared: readonly Tool[]): fc.Arbitrary<ToolChoice | null> {
  const names = declared
    .filter((tool): tool is FunctionTool | CustomTool => tool.kind === "function" || tool.kind === "custom")
    .map(({ name, namespace: space }) => ({ name, namespace: space }));
  if (names.length === 0) return fc.constant(null);
  return fc.oneof(
    fc.constantFrom<ToolChoice | null>(null, { mode: "auto" }, { mode: "none" }, { mode: "required" }),
    fc.constantFrom(...names).map((tool): ToolChoice => ({ mode: "tool", tool })),
  );
}

function reasoningRequest(): fc.Arbitrary<ReasoningRequest> {
  const effort = fc.constantFrom(...EFFORTS).map((word) => ({ effort: word, budgetTokens: null }));
  const budget = fc
    .integer({ min: 1024, max: 32_000 })
    .map((budgetTokens) => ({ effort: null, budgetTokens }));
  return merged(
    fc.oneof(effort, budget),
    fc.record({ isDynamic: fc.constant(false), isShown: maybe(fc.boolean()) }),
  );
}

function outputFormat(): fc.Arbitrary<OutputFormat> {
  const withSchema = fc.record({
    name: toolName(),
    description: fc.constant(null),
    schema: schema(),
    strict: maybe(fc.boolean()),
  });
  return fc.oneof(
    fc.constant<OutputFormat>({ kind: "json" }),
    withSchema.map((more): OutputFormat => ({ kind: "json-schema", ...more })),
  );
}

interface Settings {
  readonly head: Omit<ModelRequest, "messages">;
  readonly turns: Message[][];
}

function settings(features: Features): fc.Arbitrary<Settings> {
  const system = merged(
    words().map((value) => ({ type: "text" as const, text: value })),
    optional("cache", cacheHint(), features.cacheHints),
  );
  return tools(features).chain((declared) =>
    fc.record({
      head: fc.record({
        model: fc.constantFrom("model-1", "model-2"),
        stream: fc.boolean(),
        system: fc.array<TextPart>(system, { maxLength: 3 }),
        tools: fc.constant(declared),
        toolChoice: toolChoice(declared),
        parallelToolCalls: declared.length === 0 ? fc.constant(null) : maybe(fc.boolean()),
        maxOutputTokens: maybe(fc.integer({ min: 16, max: 100_000 })),
        stop: fc.uniqueArray(words(), { maxLength: 3 }),
        sampling: fc.record({
          temperature: maybe(fc.constantFrom(0, 0.5, 1)),
          topP: maybe(fc.constantFrom(0.5, 0.9, 1)),
          topK: maybe(fc.integer({ min: 1, max: 100 })),
          seed: maybe(fc.nat()),
          frequencyPenalty: maybe(fc.constantFrom(-1, 0.5)),
          presencePenalty: maybe(fc.constantFrom(-1, 0.5)),
          logitBias: fc.constant(null),
        }),
        candidates: fc.constant(1),
        logprobs: fc.constant(null),
        reasoning: features.reasoning ? maybe(reasoningRequest()) : fc.constant(null),
        verbosity: maybe(fc.constantFrom("low" as const, "medium" as const, "high" as const)),
        output: maybe(outputFormat()),
        outputModalities: fc.constant([]),
        userId: maybe(toolName()),
        metadata: fc.constant(null),
        serviceTier: fc.constant(null),
        cacheKey: maybe(toolName()),
        cacheWhole: fc.constant(null),
      }),
      turns: conversation(features, declared),
    }),
  );
}

/**
 * A request that makes sense: the user begins and ends, every call of the history has its result behind it,
 * ids are unique and legal on every wire, and instructions between the turns stand behind the user.
 */
export function modelRequest(features: Partial<Features> = {}): fc.Arbitrary<ModelRequest> {
  return settings(featuresOf(features)).map(({ head, turns }) => ({ ...head, messages: turns.flat() }));
}

/** A request, and the same with its conversation grown by one turn or more. */
export function grownConversation(
  features: Partial<Features> = {},
): fc.Arbitrary<{ readonly former: ModelRequest; readonly grown: ModelRequest }> {
  return settings(featuresOf(features)).chain(({ head, turns }) =>
    fc.integer({ min: 1, max: turns.length - 1 }).map((length) => ({
      former: { ...head, messages: turns.slice(0, length).flat() },
      grown: { ...head, messages: turns.flat() },
    })),
  );
}

/**
 * The bytes in pieces, cut anywhere, also within a character; none is empty. Whole and byte by byte are among
 * them.
 */
export function splits(bytes: Uint8Array): fc.Arbitrary<Uint8Array[]> {
  const sizes = fc.oneof(
    fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 30 }),
    fc.constantFrom([1], [2], [3], [Math.max(1, bytes.length)]),
  );
  return sizes.map((all) => {
    const pieces: Uint8Array[] = [];
    for (let from = 0, i = 0; from < bytes.length; i++) {
      const size = all[i % all.length] as number;
      pieces.push(bytes.subarray(from, from + size));
      from += size;
    }
    return pieces;
  });
}

/** The number of cases of each property. */
export const PROPERTY_RUNS = Number(process.env.PROPERTY_RUNS ?? 1000);
