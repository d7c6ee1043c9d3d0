import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { modelEvents, modelReply, PROPERTY_RUNS, text } from "../../../test/kit/arbitraries.ts";
import { grammarFault } from "../../../test/kit/grammar.ts";
import type { ModelEvent, ModelReply, Stop } from "../event.ts";
import { fold, unfold } from "../fold.ts";
import type { ToolCallPart } from "../message.ts";
import type { Tool } from "../request.ts";
import { customArguments } from "../tools/custom-tool.ts";
import type { NameRule } from "../tools/legal-names.ts";
import { makeToolNames, OUTPUT_TOOL, type ToolNames } from "../tools/tool-names.ts";
import { CallRestorer } from "./restore.ts";

const RULE: NameRule = { isAllowed: (character) => /^[A-Za-z0-9_-]$/.test(character), maxChars: 64 };
const STOP: Stop = {
  kind: "tool-calls",
  raw: "tool_use",
  sequence: null,
  explanation: null,
  category: null,
  token: null,
};
const NO_TOOLS = makeToolNames([], [], RULE);
const EXEC: Tool = {
  kind: "custom",
  name: "exec",
  namespace: "shell",
  description: null,
  grammar: null,
  at: "tools[0]",
};

function restored(events: readonly ModelEvent[], names: ToolNames): ModelEvent[] {
  const restorer = new CallRestorer(names);
  const seen: ModelEvent[] = [];
  for (const event of events) restorer.push(event, (each) => seen.push(each));
  return seen;
}

function restoreReply(whole: ModelReply, names: ToolNames): ModelReply {
  return fold(restored(unfold(whole), names));
}

function call(id: string, name: string, input: string): ToolCallPart {
  return { type: "tool-call", id, name, namespace: null, kind: "function", input };
}

function reply(...parts: ModelReply["parts"]): ModelReply {
  return { id: null, model: null, parts, usage: null, stop: STOP };
}

describe("CallRestorer", () => {
  test("an answer without calls passes as it is, whatever the names of tools", () => {
    const renamed: ToolNames = {
      wireName: ({ name }) => name,
      original: (name) => ({ name: `${name}_`, namespace: "n", kind: "custom" }),
    };
    fc.assert(
      fc.property(modelReply(), (whole) => {
        const silent = { ...whole, parts: whole.parts.filter(({ type }) => type !== "tool-call") };
        expect(restored(unfold(silent), renamed)).toEqual(unfold(silent));
      }),
      { numRuns: PROPERTY_RUNS },
    );
  });

  test("ids that all are the same become different ones in a moment", () => {
    const events = unfold(reply(...Array.from({ length: 50_000 }, () => call("call_0", "look", "{}"))));
    const ids = new Set<string>();
    for (const event of restored(events, NO_TOOLS)) {
      if (event.type === "open" && event.block.kind === "tool-call") ids.add(event.block.id);
    }
    expect(ids.size).toBe(50_000);
    expect([...ids].slice(0, 3)).toEqual(["call_0", "call_0_2", "call_0_3"]);
  });

  test("H-83 gives the decoded input of a custom tool that was sent as a function, however it is cut", () => {
    const names = makeToolNames([EXEC], [], RULE);
    const wireName = names.wireName({ name: "exec", namespace: "shell" });
    fc.assert(
      fc.property(text(), fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1 }), (input, sizes) => {
        const json = customArguments(input);
        const events = unfold(reply(call("a", wireName, "")));
        const deltas: ModelEvent[] = [];
        for (let from = 0, i = 0; from < json.length; i++) {
          const size = sizes[i % sizes.length] as number;
          deltas.push({ type: "delta", text: json.slice(from, from + size) });
          from += size;
        }
        const seen = restored([...events.slice(0, 2), ...deltas, ...events.slice(2)], names);
        expect(grammarFault(seen)).toBeNull();
        expect(fold(seen).parts).toEqual([
          { type: "tool-call", id: "a", name: "exec", namespace: "shell", kind: "custom", input },
        ]);
      }),
      { numRuns: PROPERTY_RUNS },
    );
  });

  test("leaves a custom call of a wire that knows them as it is", () => {
    const names = makeToolNames([{ ...EXEC, namespace: null }], [], RULE);
    const native: ModelReply = reply({ ...call("a", "exec", '{"input":"x"}'), kind: "custom" });
    expect(restoreReply(native, names)).toEqual(native);
  });

  test("H-82 H-106 restores names and namespaces, and leaves those of nobody", () => {
    const tools: Tool[] = [
      {
        kind: "function",
        name: "spawn.agent",
        namespace: "v1",
        description: null,
        parameters: null,
        strict: null,
        isDeferred: false,
        cache: null,
        at: "tools[0]",
      },
    ];
    const names = makeToolNames(tools, [], RULE);
    const { parts } = restoreReply(
      reply(call("a", "v1__spawn_agent", "{}"), call("b", "made_up", "{}")),
      names,
    );
    expect(parts).toEqual([
      { ...call("a", "spawn.agent", "{}"), namespace: "v1" },
      call("b", "made_up", "{}"),
    ]);
  });

  test("shows structured output as text, and ends instead of asking for a result", () => {
    const names = makeToolNames([], [], RULE, true);
    const output = call("a", names.wireName(OUTPUT_TOOL), '{"answer":42}');
    const whole = restoreReply(reply(output), names);
    expect(whole.parts).toEqual([{ type: "text", text: '{"answer":42}' }]);
    expect(whole.stop).toEqual({ ...STOP, kind: "end" });
    const mixed = restoreReply(reply(call("b", "other", "{}"), output), names);
    expect(mixed.stop.kind).toBe("tool-calls");
    expect(grammarFault(restored(unfold(reply(output)), names))).toBeNull();
  });

  test("H-143 a call with an id that was used already gets its own", () => {
    const { parts } = restoreReply(
      reply(call("a", "t", "{}"), call("a", "t", "{}"), call("a_2", "t", "{}"), call("a", "t", "{}")),
      NO_TOOLS,
    );
    const ids = parts.map((part) => (part as ToolCallPart).id);
    expect(ids[0]).toBe("a");
    expect(new Set(ids).size).toBe(4);
  });

  test("leaves all else as it is", () => {
    fc.assert(
      fc.property(modelEvents(), modelReply(), (events, whole) => {
        expect(restored(events, NO_TOOLS)).toEqual(events);
        expect(restoreReply(whole, NO_TOOLS)).toEqual(whole);
      }),
      { numRuns: PROPERTY_RUNS },
    );
  });
});
