/** What holds of every dialect, and of every two of them. */
import { describe, setDefaultTimeout, test } from "bun:test";
import fc from "fast-check";
import {
  grownConversation,
  modelEvents,
  modelReply,
  modelRequest,
  PROPERTY_RUNS,
  splits,
} from "../../test/kit/arbitraries.ts";
import { grammarFault } from "../../test/kit/grammar.ts";
import type { JsonObject } from "../core/json.ts";
import type { ModelEvent, ModelReply } from "../neutral/event.ts";
import { fold, unfold } from "../neutral/fold.ts";
import type { AssistantPart } from "../neutral/message.ts";
import type { ModelRequest } from "../neutral/request.ts";
import type { EncodeRequestOptions } from "./codec.ts";
import {
  ALL_DIALECTS,
  CLIENT,
  chosen,
  common,
  type DialectUnderTest,
  encodeFor,
  expectSame,
  firstModel,
  NAMED_DIALECTS,
  readStream,
  readWhole,
  STREAMS,
  streamOf,
  wholeOf,
} from "./fixtures/dialects-under-test.ts";
import { answerGist, citedIn, conversationGist } from "./fixtures/gist.ts";
import { makeTap } from "./fixtures/tap-under-test.ts";

const RUNS = { numRuns: PROPERTY_RUNS };
/** A case takes a few milliseconds, on a busy machine many. */
setDefaultTimeout(Math.max(60_000, 60 * PROPERTY_RUNS));

test("H-1 any split of a stream gives the same events, which obey the grammar, tell what was encoded, and count as the tap does", () => {
  const streams = modelEvents(common(...ALL_DIALECTS)).chain((events) => {
    const all = STREAMS.map(({ framing, dialect }) => ({
      framing,
      dialect,
      bytes: streamOf(dialect, events, framing),
    }));
    return fc.tuple(
      fc.constant(events),
      ...all.map((stream) => splits(stream.bytes).map((pieces) => ({ ...stream, pieces }))),
    );
  });
  fc.assert(
    fc.property(streams, ([events, ...all]) => {
      for (const { framing, dialect, bytes, pieces } of all) {
        const read = readStream(dialect, [bytes], framing);
        expectSame(grammarFault(read), null, dialect);
        expectSame(readStream(dialect, pieces, framing), read, dialect);
        const reply = fold(read);
        expectSame(answerGist(reply, dialect), answerGist(fold(events), dialect), dialect);
        const tap = makeTap(dialect.codec.name, framing);
        tap.push(bytes);
        tap.end();
        expectSame(tap.usage, reply.usage, dialect);
      }
    }),
    RUNS,
  );
});

test.each(NAMED_DIALECTS)(
  "a whole reply of %s is read to what was encoded, and counts as the tap does",
  (_, dialect) => {
    fc.assert(
      fc.property(modelReply(common(dialect)), (reply) => {
        const body = wholeOf(dialect, reply);
        const events = readWhole(dialect, body);
        expectSame(grammarFault(events), null);
        const read = fold(events);
        expectSame(answerGist(read, dialect), answerGist(reply, dialect));
        const tap = makeTap(dialect.codec.name, "json");
        tap.push(new TextEncoder().encode(JSON.stringify(body)));
        tap.end();
        expectSame(tap.usage, read.usage);
      }),
      RUNS,
    );
  },
);

/** Without the provider's words about a refusal: some dialects tell them as text. */
function unexplained(events: readonly ModelEvent[]): ModelEvent[] {
  return events.map((event) =>
    event.type === "end" ? { ...event, stop: { ...event.stop, explanation: null } } : event,
  );
}

describe("from any upstream to any client, streamed and whole", () => {
  /** An answer of each upstream as each client reads it. */
  function* passages(
    events: readonly ModelEvent[],
  ): Iterable<[read: ModelReply, upstream: DialectUnderTest, client: DialectUnderTest]> {
    const reply = fold(events);
    for (const upstream of ALL_DIALECTS) {
      const streamed = readStream(upstream, [streamOf(upstream, events)]);
      const whole = fold(readWhole(upstream, wholeOf(upstream, reply)));
      for (const client of ALL_DIALECTS) {
        yield [fold(readStream(client, [streamOf(client, streamed)])), upstream, client];
        yield [fold(readWhole(client, wholeOf(client, whole))), upstream, client];
      }
    }
  }

  test("an answer says and counts the same", () => {
    fc.assert(
      fc.property(modelEvents(common(...ALL_DIALECTS)).map(unexplained), (events) => {
        const reply = fold(events);
        for (const [read, upstream, client] of passages(events)) {
          const expected = answerGist(reply, upstream, client);
          expectSame(answerGist(read, upstream, client), expected, upstream, client);
        }
      }),
      RUNS,
    );
  });

  test("an answer cites the same", () => {
    const features = { ...common(...ALL_DIALECTS), annotations: true, unknowns: false };
    fc.assert(
      fc.property(modelReply({ ...features, stops: ["end", "tool-calls"] }), (answer) => {
        const parts = answer.parts.flatMap(spanning);
        const reply = { ...answer, parts, stop: { ...answer.stop, kind: "end" } } as const;
        const expected = citedIn(reply);
        for (const [read, ...at] of passages(unfold(reply))) expectSame(citedIn(read), expected, ...at);
      }),
      RUNS,
    );
  });
});

/** Texts alone; of their annotations those that span something, as others refer to nothing. */
function spanning(part: AssistantPart): AssistantPart[] {
  if (part.type !== "text") return [];
  const annotations = part.annotations?.filter(({ start, end }) => (end ?? 1) > (start ?? 0)) ?? [];
  return [{ ...part, annotations }];
}

/** The body's text up to the end of its last message. */
function upToLastMessage(body: JsonObject, history: string): string {
  let text = "";
  for (const [name, value] of Object.entries(body)) {
    text += `${text === "" ? "{" : ","}${JSON.stringify(name)}:`;
    if (name === history) return text + JSON.stringify(value).slice(0, -"]".length);
    text += JSON.stringify(value);
  }
  throw new Error(`the body has no ${history}`);
}

/** Without these members, wherever they stand. */
function without<T>(value: T, names: readonly string[]): T {
  return JSON.parse(JSON.stringify(value, (key, member) => (names.includes(key) ? undefined : member)));
}

/** Of a request to an upstream: not part of the prompt, they may move on as it grows. */
const CACHE_MARKS = ["cache_control", "prompt_cache_breakpoint"];

/** What only its maker can read is not told to others; a turn that is nothing else is not there for them. */
function isTellable({ messages }: ModelRequest): boolean {
  return messages.every(
    ({ role, parts }) =>
      role !== "assistant" || parts.some(({ type }) => ["text", "refusal", "tool-call"].includes(type)),
  );
}

/** The former's body, with which the grown one's begins but for marks of the cache; null: the model cannot take it. */
function expectGrowth(
  dialect: DialectUnderTest,
  options: EncodeRequestOptions,
  former: ModelRequest,
  grown: ModelRequest,
): JsonObject | null {
  const body = encodeFor(dialect, former, options);
  const later = body && encodeFor(dialect, grown, options);
  if (body && later) {
    const before = upToLastMessage(without(body, CACHE_MARKS), dialect.history);
    const after = JSON.stringify(without(later, CACHE_MARKS));
    if (!after.startsWith(before)) expectSame(after.slice(0, before.length), before, dialect);
  }
  return body;
}

describe("requests", () => {
  const grown = fc
    .constantFrom("anthropic", "openai", "gemini")
    .chain((maker) => grownConversation({ maker }))
    .filter((each) => isTellable(each.grown));

  test("a grown conversation begins with the bytes of the former, whichever client grows it, and the same one has the same bytes", () => {
    fc.assert(
      fc.property(grown, fc.nat(), (conversation, number) => {
        const { former, grown: later } = without(conversation, ["cache"]);
        for (const dialect of ALL_DIALECTS) {
          const options = chosen(dialect.models, number);
          const body = expectGrowth(dialect, options, former, later);
          const again = encodeFor(dialect, structuredClone(former), options);
          expectSame(JSON.stringify(again), JSON.stringify(body), dialect);
          expectGrowth(dialect, options, conversation.former, conversation.grown);
          const [first, second] = [former, later].map((each) => asked(dialect, each));
          const upstream = chosen(ALL_DIALECTS, number);
          if (first && second) expectGrowth(upstream, chosen(upstream.models, number >> 2), first, second);
        }
      }),
      RUNS,
    );
  });

  /** What the gateway reads of this request when a client of the dialect makes it. */
  function asked(client: DialectUnderTest, request: ModelRequest): ModelRequest | null {
    const body = encodeFor(client, { ...request, output: null }, firstModel(client));
    return body && client.codec.decodeRequest(JSON.parse(JSON.stringify(body)), CLIENT).request;
  }

  test("a request is read to the conversation that was encoded", () => {
    fc.assert(
      fc.property(modelRequest({ maker: null, midSystem: false }), (all) => {
        fc.pre(isClear(all));
        for (const dialect of ALL_DIALECTS) {
          const request = { ...(dialect.hasToolErrors ? all : withoutErrors(all)), output: null };
          const { body, names } = dialect.codec.encodeRequest(request, firstModel(dialect));
          const read = dialect.codec.decodeRequest(JSON.parse(JSON.stringify(body)), CLIENT);
          const gist = conversationGist(read.request, dialect, names);
          expectSame(gist, conversationGist(request, dialect), dialect);
        }
      }),
      RUNS,
    );
  });
});

/** Whether no name stands for a function here and for a custom tool there, which only a declaration could tell apart. */
function isClear({ messages }: ModelRequest): boolean {
  const kinds = new Map<string, string>();
  for (const { parts } of messages)
    for (const part of parts) {
      if (part.type !== "tool-call") continue;
      const name = `${part.namespace} ${part.name}`;
      if ((kinds.get(name) ?? part.kind) !== part.kind) return false;
      kinds.set(name, part.kind);
    }
  return true;
}

function withoutErrors(request: ModelRequest): ModelRequest {
  return JSON.parse(JSON.stringify(request, (key, value) => (key === "isError" ? false : value)));
}
