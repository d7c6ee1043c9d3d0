import { expect, test } from "bun:test";
import fc from "fast-check";
import type { ModelEvent, Stop } from "../neutral/event.ts";
import type { Message, Seal } from "../neutral/message.ts";
import type { ModelRequest } from "../neutral/request.ts";
import { turnBefore } from "./call-mark.ts";
import { makeSealMemory } from "./seal-memory.ts";

/** The turn before everything. */
const FIRST = turnBefore([], 0);

const STOP: Stop = {
  kind: "tool-calls",
  raw: "tool_use",
  sequence: null,
  explanation: null,
  category: null,
  token: null,
};

function seal(data: string, place: Seal["place"] = "reasoning"): Seal {
  return { maker: "anthropic", place, data };
}

function call(id: string, mark: Seal | null = null): ModelEvent[] {
  return [
    {
      type: "open",
      block: { kind: "tool-call", id, name: "look", namespace: null, call: "function", seal: mark },
    },
    { type: "delta", text: "{}" },
    { type: "close", seal: null },
  ];
}

function thought(text: string, data: string): ModelEvent[] {
  return [
    { type: "open", block: { kind: "reasoning" } },
    { type: "delta", text },
    { type: "close", seal: seal(data) },
  ];
}

function record(record: (event: ModelEvent) => void, events: readonly ModelEvent[]): void {
  for (const event of [
    { type: "start", id: null, model: null } as const,
    ...events,
    { type: "end", stop: STOP } as const,
  ]) {
    record(event);
  }
}

function history(...ids: string[]): ModelRequest {
  const calls = ids.map((id) => ({
    type: "tool-call" as const,
    id,
    name: "look",
    namespace: null,
    kind: "function" as const,
    input: "{}",
  }));
  return {
    model: "m",
    messages: [{ role: "assistant", parts: [{ type: "text", text: "Let me see." }, ...calls] }],
  } as unknown as ModelRequest;
}

test("reasoning comes back in front of the call that it came with, and before the text", () => {
  const memory = makeSealMemory(10_000);
  record(memory.recorder("alice", "anthropic", FIRST), [
    ...thought("hm", "s1"),
    ...call("c1"),
    ...call("c2", seal("s2", "call")),
  ]);
  const [message] = memory.restore("alice", history("c1", "c2"), "anthropic").messages;
  expect(message?.parts.map((part) => part.type)).toEqual(["reasoning", "text", "tool-call", "tool-call"]);
  expect(message?.parts[0]).toMatchObject({ text: "hm", seal: { data: "s1" } });
  expect(message?.parts[3]).toMatchObject({ id: "c2", seal: { data: "s2" } });
});

test("another key, another maker and an unknown call get nothing", () => {
  const memory = makeSealMemory(10_000);
  record(memory.recorder("alice", "anthropic", FIRST), [...thought("hm", "s1"), ...call("c1")]);
  for (const [principal, maker, id] of [
    ["bob", "anthropic", "c1"],
    ["alice", "gemini", "c1"],
    ["alice", "anthropic", "c9"],
  ] as const) {
    const [message] = memory.restore(principal, history(id), maker).messages;
    expect(message?.parts.map((part) => part.type)).toEqual(["text", "tool-call"]);
  }
});

test("reasoning that the client gave back itself is not there twice", () => {
  const memory = makeSealMemory(10_000);
  record(memory.recorder("alice", "anthropic", FIRST), [...thought("hm", "s1"), ...call("c1")]);
  const given = history("c1");
  const [turn] = given.messages;
  const parts = [{ type: "reasoning", text: "hm", seal: seal("s1") }, ...(turn?.parts ?? [])];
  const request = { ...given, messages: [{ role: "assistant", parts }] } as unknown as ModelRequest;
  const [message] = memory.restore("alice", request, "anthropic").messages;
  expect(message?.parts.map((part) => part.type)).toEqual(["reasoning", "text", "tool-call"]);
});

test("an answer that did not end, or has no seal, is not remembered", () => {
  const memory = makeSealMemory(10_000);
  const cut = memory.recorder("alice", "anthropic", FIRST);
  for (const event of [...thought("hm", "s1"), ...call("c1")]) cut(event);
  record(memory.recorder("alice", "anthropic", FIRST), call("c2"));
  const [message] = memory.restore("alice", history("c1", "c2"), "anthropic").messages;
  expect(message?.parts.map((part) => part.type)).toEqual(["text", "tool-call", "tool-call"]);
});

test("the least recently used is forgotten first, and what is larger than the memory at once", () => {
  const memory = makeSealMemory(1_500);
  for (const id of ["c1", "c2"])
    record(memory.recorder("alice", "anthropic", FIRST), [...thought("hm", "x".repeat(200)), ...call(id)]);
  memory.restore("alice", history("c1"), "anthropic");
  record(memory.recorder("alice", "anthropic", FIRST), [...thought("hm", "x".repeat(200)), ...call("c3")]);
  record(memory.recorder("alice", "anthropic", FIRST), [...thought("hm", "x".repeat(5_000)), ...call("c4")]);
  const kept = ["c1", "c2", "c3", "c4"].filter((id) =>
    memory
      .restore("alice", history(id), "anthropic")
      .messages[0]?.parts.some((part) => part.type === "reasoning"),
  );
  expect(kept).toEqual(["c1", "c3"]);
});

test("what does not stop thinking is not gathered without end", () => {
  const memory = makeSealMemory(10_000_000);
  const add = memory.recorder("tester", "anthropic", FIRST);
  add({ type: "start", id: null, model: null });
  Bun.gc(true);
  const before = process.memoryUsage().heapUsed;
  for (const kind of ["text", "reasoning"] as const) {
    add({ type: "open", block: kind === "text" ? { kind, phase: null } : { kind } });
    for (let i = 0; i < 20; i++) add({ type: "delta", text: Buffer.alloc(1024 * 1024, "x").toString() });
    add({ type: "close", seal: kind === "text" ? null : seal("sealed") });
  }
  Bun.gc(true);
  expect(process.memoryUsage().heapUsed - before).toBeLessThan(5 * 1024 * 1024);
  for (const event of [...call("call_1"), { type: "end", stop: STOP } as const]) add(event);
  const request = history("call_1");
  expect(memory.restore("tester", request, "anthropic").messages).toEqual(request.messages);
});

test("an id counts as what it takes", () => {
  const memory = makeSealMemory(10_000);
  record(memory.recorder("tester", "anthropic", FIRST), [
    ...thought("why", "sealed"),
    ...call("x".repeat(10_000)),
  ]);
  record(memory.recorder("tester", "anthropic", FIRST), [...thought("why", "sealed"), ...call("call_1")]);
  const [message] = memory.restore("tester", history("x".repeat(10_000), "call_1"), "anthropic").messages;
  expect(message?.parts.filter(({ type }) => type === "reasoning")).toHaveLength(1);
});

/** Ids as servers make them, for calls of the tool `look`. */
const RANDOM = [
  "call_00_h3Kd92LmPq8xT1vB5nZc7RwE",
  "chatcmpl-tool-5f0c2d7e8b9a4c31a6d2e4f8b7c90512",
  "toolu_01A09q90qw90lq917835lq9",
  "D681PevKs",
];
const COUNTED = ["functions.look:0", "look_v2_beta3:12", "call_1", "call_00000001", "toolcall12", "0"];

test("a client may rewrite the turn before a call of a random id, and of no other", () => {
  const memory = makeSealMemory(100_000);
  const rewritten = turnBefore([{ role: "user", parts: [{ type: "text", text: "in other words" }] }], 1);
  for (const id of [...RANDOM, ...COUNTED])
    record(memory.recorder("tester", "anthropic", rewritten), [...thought("why", "sealed"), ...call(id)]);
  const isBack = (id: string): boolean =>
    memory
      .restore("tester", history(id), "anthropic")
      .messages.flatMap(({ parts }) => parts as readonly { readonly type: string }[])
      .some(({ type }) => type === "reasoning");
  expect([...RANDOM, ...COUNTED].filter(isBack)).toEqual(RANDOM);
});

interface Turn {
  readonly said: string;
  readonly isResult: boolean;
  readonly name: string;
  readonly input: object;
  readonly id: string;
  /** null: the model did not think. */
  readonly thought: string | null;
}

const TURN: fc.Arbitrary<Turn> = fc.record({
  said: fc.constantFrom("one", "two", "three"),
  isResult: fc.boolean(),
  name: fc.constantFrom("read", "list"),
  input: fc.constantFrom({}, { path: "a" }, { path: "a", all: true }),
  id: fc.constantFrom("functions.read:0", "functions.list:0", "0"),
  thought: fc.option(fc.constantFrom("because", "since", "so"), { nil: null }),
});

function askedBy({ said, isResult, id }: Turn): Message {
  const content = [{ type: "text" as const, text: said }];
  return isResult
    ? {
        role: "user",
        parts: [{ type: "tool-result", callId: id, name: null, content, isError: false, at: "" }],
      }
    : { role: "user", parts: content };
}

/** Clients write arguments in their own way. */
function answeredBy({ id, name, input }: Turn): Message {
  const turned = Object.fromEntries(Object.entries(input).reverse());
  const call = {
    id,
    name,
    namespace: null,
    kind: "function",
    input: JSON.stringify(turned, null, 1),
  } as const;
  return { role: "assistant", parts: [{ type: "tool-call", ...call }] };
}

test("ids that begin anew in each conversation bring back the reasoning of no other call", () => {
  fc.assert(
    fc.property(
      fc.array(fc.array(TURN, { minLength: 1, maxLength: 4 }), { maxLength: 6 }),
      (conversations) => {
        const memory = makeSealMemory(1_000_000);
        /** What was thought before the last call that looked like this one. */
        const thoughts = new Map<string, string>();
        const lookOf = ({ thought: _, ...look }: Turn): string => JSON.stringify(look);
        for (const turns of conversations) {
          const messages: Message[] = [];
          for (const turn of turns) {
            const { id, name, input, thought: why } = turn;
            messages.push(askedBy(turn));
            const answered = turnBefore(messages, messages.length);
            record(memory.recorder("alice", "anthropic", answered), [
              ...(why === null ? [] : thought(why, why)),
              {
                type: "open",
                block: { kind: "tool-call", id, name, namespace: null, call: "function", seal: null },
              },
              { type: "delta", text: JSON.stringify(input) },
              { type: "close", seal: null },
            ]);
            if (why === null) thoughts.delete(lookOf(turn));
            else thoughts.set(lookOf(turn), why);
            messages.push(answeredBy(turn));
          }
          const restored = memory.restore("alice", { messages } as unknown as ModelRequest, "anthropic");
          const seen = new Set<string>();
          for (const [n, turn] of turns.entries()) {
            const look = lookOf(turn);
            const known = thoughts.get(look);
            const expected = known === undefined || seen.has(look) ? [] : [known];
            seen.add(look);
            const parts = restored.messages[2 * n + 1]?.parts ?? [];
            const found = parts.flatMap((part) => (part.type === "reasoning" ? [part.text] : []));
            expect(found).toEqual(expected);
          }
        }
      },
    ),
  );
});
