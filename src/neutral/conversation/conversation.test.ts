import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { grownConversation, modelRequest, PROPERTY_RUNS } from "../../../test/kit/arbitraries.ts";
import type {
  AssistantPart,
  Message,
  SearchPart,
  TextPart,
  ToolCallPart,
  ToolResultPart,
  UserPart,
} from "../message.ts";
import { type ArrangeOptions, arrange } from "./conversation.ts";

const MERGED: ArrangeOptions = { midSystem: "fold", mergesTurns: true, needsUserFirst: true };
const PLACED: ArrangeOptions = { ...MERGED, midSystem: "where-allowed" };
const APART: ArrangeOptions = { midSystem: "in-place", mergesTurns: false, needsUserFirst: false };

const text = (value: string): TextPart => ({ type: "text", text: value });
const user = (...parts: (string | UserPart)[]): Message => ({
  role: "user",
  parts: parts.map((part) => (typeof part === "string" ? text(part) : part)),
});
const assistant = (...parts: (string | AssistantPart)[]): Message => ({
  role: "assistant",
  parts: parts.map((part) => (typeof part === "string" ? text(part) : part)),
});
const system = (...texts: string[]): Message => ({ role: "system", parts: texts.map(text) });
const call = (id: string, name = "look"): ToolCallPart => ({
  type: "tool-call",
  id,
  name,
  namespace: null,
  kind: "function",
  input: "{}",
});
const result = (callId: string, value = "seen", at = `at ${callId}`): ToolResultPart => ({
  type: "tool-result",
  callId,
  name: null,
  content: [text(value)],
  isError: false,
  at,
});
const search: SearchPart = { type: "search", id: "s", queries: ["q"], sources: [], raw: null };

/** One line per message: the role, and in it each part. */
function sketch(messages: readonly Message[]): string[] {
  return messages.map(({ role, parts }) => `${role}: ${parts.map(partSketch).join(", ")}`);
}

function partSketch(part: UserPart | AssistantPart): string {
  if (part.type === "text")
    return part.text.replace(/<\/?system-reminder>\n?|\n$/g, "!").replace(/\n!$/, "!");
  if (part.type === "tool-call") return `call ${part.id}`;
  if (part.type !== "tool-result") return part.type;
  const [content] = part.content;
  return `result ${part.callId}${part.isError ? " failed" : ""} ${content?.type === "text" ? content.text : ""}`;
}

const fields = (dropped: readonly { field: string }[]): string[] => dropped.map(({ field }) => field);

describe("results", () => {
  test("H-73 stand in the order of the calls, in one turn with what the user says then", () => {
    const history = [
      user("hi"),
      assistant(call("a"), call("b")),
      user(result("b")),
      user(result("a")),
      user("go on"),
    ];
    const { messages, dropped } = arrange(history, MERGED);
    expect(sketch(messages)).toEqual([
      "user: hi",
      "assistant: call a, call b",
      "user: result a seen, result b seen, go on",
    ]);
    // The second result only changed places with the first.
    expect(fields(dropped)).toEqual([]);
    expect(sketch(arrange(history, APART).messages)).toEqual([
      "user: hi",
      "assistant: call a, call b",
      "user: result a seen, result b seen",
      "user: go on",
    ]);
  });

  test("H-74 move up to their calls, over what stood between", () => {
    const history = [
      user("hi"),
      assistant(call("a"), call("b")),
      user(result("a")),
      user("wait"),
      system("be brief"),
      user(result("b", "seen", "messages[5]")),
      assistant("done"),
    ];
    for (const options of [MERGED, PLACED, APART]) {
      const { messages, dropped } = arrange(history, options);
      expect(partSketch(messages[2]?.parts[0] as UserPart)).toBe("result a seen");
      expect(partSketch(messages[2]?.parts[1] as UserPart)).toBe("result b seen");
      expect(fields(dropped)).toContain("messages[5]");
      expect(fields(dropped)).not.toContain("at a");
    }
    expect(sketch(arrange(history, MERGED).messages)[2]).toBe(
      "user: result a seen, result b seen, wait, !be brief!",
    );
  });

  test("H-89 of N messages are one turn with N parts", () => {
    const ids = Array.from({ length: 20 }, (_, i) => `c${i}`);
    const { messages } = arrange(
      [user("hi"), assistant(...ids.map((id) => call(id))), ...ids.map((id) => user(result(id)))],
      MERGED,
    );
    expect(messages).toHaveLength(3);
    expect(messages[2]?.parts).toHaveLength(20);
  });

  test("H-90 get the name of their tool, and one of an unknown call is refused", () => {
    const { messages, calls } = arrange(
      [user("hi"), assistant(call("a", "grep")), user(result("a"))],
      MERGED,
    );
    expect(messages[2]?.parts[0]).toMatchObject({ name: "grep" });
    expect(calls.get("a")?.name).toBe("grep");
    expect(() => arrange([user("hi"), user(result("x", "seen", "messages[1]"))], MERGED)).toThrow(
      expect.objectContaining({ kind: "bad_request", param: "messages[1]" }),
    );
    expect(() => arrange([user(result("a")), assistant(call("a"))], MERGED)).toThrow();
  });

  test("that are missing are said to be missing", () => {
    const { messages, dropped } = arrange(
      [user("hi"), assistant(call("a"), call("b")), user(result("b")), assistant("ok")],
      MERGED,
    );
    expect(sketch(messages)[2]).toBe(
      "user: result a failed No result was provided for this call., result b seen",
    );
    expect(dropped).toEqual([
      { field: "messages", reason: 'the call "a" has no result: one that says so was put in' },
    ]);
    expect(sketch(arrange([user("hi"), assistant(call("a"))], APART).messages)[2]).toContain(
      "result a failed",
    );
  });

  test("that come twice count with the last", () => {
    const { messages, dropped } = arrange(
      [
        user("hi"),
        assistant(call("a")),
        user(result("a", "old", "messages[2]")),
        user(result("a", "new", "messages[3]")),
      ],
      MERGED,
    );
    expect(sketch(messages)[2]).toBe("user: result a new");
    expect(fields(dropped)).toEqual(["messages[2]"]);
  });

  test("belong to the latest call of their id, and ids are unique in the end", () => {
    const history = [
      user("hi"),
      assistant(call("call_0"), call("call_0")),
      user(result("call_0", "one"), result("call_0", "two")),
      assistant(call("call_0")),
      user(result("call_0", "three")),
    ];
    const { messages, dropped } = arrange(history, MERGED);
    expect(sketch(messages)).toEqual([
      "user: hi",
      "assistant: call call_0, call call_0_2",
      "user: result call_0 one, result call_0_2 two",
      "assistant: call call_0_3",
      "user: result call_0_3 three",
    ]);
    expect(dropped).toEqual([]);
  });
});

describe("instructions between the turns", () => {
  const trailing = [user("hi"), assistant("yes"), user("go"), system("be brief")];

  test("H-69 behind the last turn stay where the target takes them", () => {
    expect(sketch(arrange(trailing, APART).messages).at(-1)).toBe("system: be brief");
    const { messages, dropped } = arrange(trailing, PLACED);
    expect(sketch(messages).at(-1)).toBe("system: be brief");
    expect(dropped).toEqual([]);
  });

  test("H-70, H-71 become text of the user's turn before them, behind its results", () => {
    const { messages, dropped } = arrange(
      [
        user("hi"),
        assistant(call("a")),
        system("be brief"),
        user(result("a"), "go"),
        system("be kind", "be fast"),
      ],
      MERGED,
    );
    expect(sketch(messages)).toEqual([
      "user: hi",
      "assistant: call a",
      "user: result a seen, !be brief!, go, !be kind!, !be fast!",
    ]);
    expect(fields(dropped)).toEqual(["at a", "messages"]);
    expect(arrange(trailing, MERGED).messages.at(-1)?.parts.at(-1)).toEqual({
      type: "text",
      text: "<system-reminder>\nbe brief\n</system-reminder>",
    });
  });

  test("instructions that stand in the tag already are not put into another", () => {
    const own = "<system-reminder>\nbe brief\n</system-reminder>\n";
    expect(arrange([user("hi"), system(own)], MERGED).messages).toEqual([user("hi", own)]);
  });

  test("keep their cache mark in the user's turn", () => {
    const marked: Message = { role: "system", parts: [{ ...text("x"), cache: { ttl: "1h" } }] };
    expect(arrange([user("hi"), marked], MERGED).messages[0]?.parts.at(-1)).toMatchObject({
      cache: { ttl: "1h" },
    });
  });

  test("H-72 stand behind the user and before the assistant, or become text", () => {
    const kept = arrange([user("hi"), system("one"), system("two"), assistant("yes"), user("go")], PLACED);
    expect(sketch(kept.messages)).toEqual(["user: hi", "system: one, two", "assistant: yes", "user: go"]);
    const folded = arrange(
      [user("hi"), system("one"), user("go"), assistant("yes"), system("two"), user("on")],
      PLACED,
    );
    expect(sketch(folded.messages)).toEqual(["user: hi, !one!, go", "assistant: yes", "user: !two!, on"]);
    const first = arrange([system("one"), assistant("yes")], PLACED);
    expect(sketch(first.messages)).toEqual(["user: !one!", "assistant: yes"]);
    const behindSearch = arrange([user("hi"), assistant(search), system("one")], PLACED);
    expect(sketch(behindSearch.messages).at(-1)).toBe("system: one");
    const behindText = arrange([user("hi"), assistant("yes"), system("one")], PLACED);
    expect(sketch(behindText.messages).at(-1)).toBe("user: !one!");
  });

  test("that are empty are nothing", () => {
    for (const options of [MERGED, PLACED, APART]) {
      expect(sketch(arrange([user("hi"), system(""), assistant("yes")], options).messages)).toEqual([
        "user: hi",
        "assistant: yes",
      ]);
    }
  });

  test("join the next turn also where turns are not merged", () => {
    const apart: ArrangeOptions = { ...APART, midSystem: "fold" };
    expect(
      sketch(
        arrange([user("a"), user("b"), assistant("c"), system("s"), user("d"), user("e")], apart).messages,
      ),
    ).toEqual(["user: a", "user: b", "assistant: c", "user: !s!, d", "user: e"]);
  });
});

describe("turns", () => {
  test("of one role become one, without empty text", () => {
    const history = [
      user("a"),
      user(""),
      user("b"),
      assistant(""),
      assistant("c"),
      user(""),
      assistant("d"),
      user("e"),
    ];
    expect(sketch(arrange(history, MERGED).messages)).toEqual(["user: a, b", "assistant: c, d", "user: e"]);
    expect(arrange(history, APART).messages).toEqual(history);
  });

  test("keep text that is empty but for its seal", () => {
    const sealed: TextPart = { ...text(""), seal: { maker: "gemini", place: "text", data: "x" } };
    expect(arrange([user("a"), assistant(sealed)], MERGED).messages[1]?.parts).toEqual([sealed]);
  });

  test("of the assistant are not merged over the results between them", () => {
    const history = [user("hi"), assistant(call("a")), user(result("a")), assistant("b"), user("c")];
    expect(sketch(arrange(history, MERGED).messages)).toHaveLength(5);
  });

  test("begin with the user where they have to", () => {
    const { messages, dropped } = arrange([assistant("hello"), user("hi")], MERGED);
    expect(messages.map(({ role }) => role)).toEqual(["user", "assistant", "user"]);
    expect(fields(dropped)).toEqual(["messages"]);
    expect(arrange([], MERGED)).toEqual({ messages: [], dropped: [], calls: new Map() });
  });

  test("keep the name of who speaks", () => {
    const named: Message = { role: "user", parts: [text("hi")], name: "ann" };
    expect(arrange([named], APART).messages).toEqual([named]);
    expect(arrange([user("a"), named], MERGED).messages[0]).toMatchObject({ name: "ann" });
  });
});

describe("any conversation", () => {
  const options = fc.record<ArrangeOptions>({
    midSystem: fc.constantFrom("in-place", "where-allowed", "fold"),
    mergesTurns: fc.boolean(),
    needsUserFirst: fc.boolean(),
  });

  test("that has grown begins with the same messages", () => {
    fc.assert(
      fc.property(grownConversation(), options, ({ former, grown }, each) => {
        const before = arrange(former.messages, each).messages;
        expect(arrange(grown.messages, each).messages.slice(0, before.length)).toEqual([...before]);
      }),
      { numRuns: PROPERTY_RUNS },
    );
  });

  test("H-72, H-73 keeps the rules of strict targets, and is arranged once and for all", () => {
    fc.assert(
      fc.property(
        modelRequest(),
        fc.constantFrom(MERGED, PLACED),
        fc.infiniteStream(fc.nat()),
        ({ messages }, each, order) => {
          const arranged = arrange(scattered(messages, order), each);
          arranged.messages.forEach((message, index) => {
            const last = arranged.messages[index - 1];
            if (message.role !== "system") expect(message.role).not.toBe(last?.role as string);
            const next = arranged.messages[index + 1];
            if (message.role === "system")
              expect([last?.role, next?.role ?? "assistant"]).toEqual(["user", "assistant"]);
            const calls = message.parts.filter((part) => part.type === "tool-call").map(({ id }) => id);
            const results = (next?.parts ?? []).slice(0, calls.length);
            expect(results.map((part) => part.type === "tool-result" && part.callId)).toEqual(calls);
          });
          expect(arrange(arranged.messages, each).messages).toEqual([...arranged.messages]);
          expect(arranged.dropped.filter(({ reason }) => reason.includes("no result"))).toEqual([]);
        },
      ),
      { numRuns: PROPERTY_RUNS },
    );
  });

  /**
   * The same with each user's message cut into one per part, in some order, so that results stand anywhere
   * behind their calls.
   */
  function scattered(messages: readonly Message[], order: Iterator<number>): Message[] {
    return messages.flatMap((message): Message[] => {
      if (message.role !== "user") return [message];
      const single = message.parts.map((part) => ({ rank: order.next().value ?? 0, message: user(part) }));
      return single.sort((a, b) => a.rank - b.rank).map((each) => each.message);
    });
  }

  test("H-144 of 2,000 turns, or with 20,000 calls of one id, takes no time to speak of", () => {
    const turns = Array.from({ length: 2000 }, (_, i) => [
      user(`u${i}`),
      system("s"),
      assistant(call(`c${i}`)),
      user(result(`c${i}`)),
    ]);
    expect(arrange(turns.flat(), PLACED).messages.length).toBeGreaterThan(6000);
    const same = Array.from({ length: 20_000 }, () => call("x"));
    const results = Array.from({ length: 20_000 }, () => result("x"));
    expect(
      arrange([user("hi"), assistant(...same), user(...results)], MERGED).messages[2]?.parts,
    ).toHaveLength(20_000);
    const many = Array.from({ length: 200_000 }, () => "w");
    expect(arrange([user(...many), user(...many)], MERGED).messages[0]?.parts).toHaveLength(400_000);
  });
});
