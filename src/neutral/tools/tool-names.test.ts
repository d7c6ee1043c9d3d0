import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { PROPERTY_RUNS } from "../../../test/kit/arbitraries.ts";
import type { Message } from "../message.ts";
import type { CustomTool, FunctionTool, Tool, ToolName } from "../request.ts";
import type { NameRule } from "./legal-names.ts";
import { distinctTools, makeToolNames, OUTPUT_TOOL } from "./tool-names.ts";

const PLAIN: NameRule = { isAllowed: (character) => /^[A-Za-z0-9_-]$/.test(character), maxChars: 64 };
/** Begins with a letter or an underscore, dots and colons within. */
const DOTTED: NameRule = {
  isAllowed: (character, index) => (index === 0 ? /^[A-Za-z_]$/ : /^[A-Za-z0-9_.:-]$/).test(character),
  maxChars: 128,
};

function tool(name: string, namespace: string | null = null, more: Partial<FunctionTool> = {}): FunctionTool {
  return {
    kind: "function",
    name,
    namespace,
    description: null,
    parameters: null,
    strict: null,
    isDeferred: false,
    cache: null,
    at: "tools[0]",
    ...more,
  };
}

const custom: CustomTool = {
  kind: "custom",
  name: "exec",
  namespace: null,
  description: null,
  grammar: null,
  at: "tools[0]",
};

function calling(...names: string[]): Message {
  return {
    role: "assistant",
    parts: names.map((name, index) => ({
      type: "tool-call",
      id: `call_${index}`,
      name,
      namespace: null,
      kind: "function",
      input: "{}",
    })),
  };
}

const wire = (tools: readonly Tool[], name: string, namespace: string | null = null, rule = PLAIN): string =>
  makeToolNames(tools, [], rule).wireName({ name, namespace });

describe("tool names", () => {
  test("H-106 legal ones stay, others become legal", () => {
    expect(wire([tool("get_weather")], "get_weather")).toBe("get_weather");
    expect(wire([tool("fs.read:all")], "fs.read:all")).toBe("fs_read_all");
    expect(wire([tool("fs.read:all")], "fs.read:all", null, DOTTED)).toBe("fs.read:all");
    expect(wire([tool("3d")], "3d", null, DOTTED)).toBe("_3d");
    expect(wire([tool("wetter_für_😀")], "wetter_für_😀")).toBe("wetter_f_r__");
    expect(wire([tool("")], "")).toBe("_");
    const long = "x".repeat(70);
    expect(wire([tool(long)], long)).toMatch(/^x{55}_[0-9a-f]{8}$/);
  });

  test("H-82 namespaces are flattened, and restored", () => {
    const names = makeToolNames([tool("spawn_agent", "multi_agent_v1"), tool("spawn_agent")], [], PLAIN);
    expect(names.wireName({ name: "spawn_agent", namespace: "multi_agent_v1" })).toBe(
      "multi_agent_v1__spawn_agent",
    );
    expect(names.wireName({ name: "spawn_agent", namespace: null })).toBe("spawn_agent");
    expect(names.original("multi_agent_v1__spawn_agent")).toEqual({
      name: "spawn_agent",
      namespace: "multi_agent_v1",
      kind: "function",
    });
  });

  test("H-107 two that would be one differ, and a legal name is nobody else's", () => {
    const tools = [tool("a.b"), tool("a:b"), tool("a_b"), tool("b", "a"), tool("a__b")];
    const names = makeToolNames(tools, [], PLAIN);
    const all = tools.map((each) => names.wireName(each));
    expect(new Set(all).size).toBe(5);
    expect(all[2]).toBe("a_b");
    expect(all[4]).toBe("a__b");
    expect(all[0]).toMatch(/^a_b_[0-9a-f]{8}$/);
    tools.forEach((each, index) => {
      expect(names.original(all[index] as string)).toMatchObject({
        name: each.name,
        namespace: each.namespace,
      });
    });
  });

  test("H-107 the same tool twice is one, two of one name are refused", () => {
    expect(
      distinctTools([tool("a", null, { at: "tools[0]" }), custom, tool("a", null, { at: "tools[2]" })]),
    ).toEqual([tool("a"), custom]);
    const differing = [tool("a"), tool("a", null, { description: "other", at: "tools[1]" })];
    const refused = expect.objectContaining({ kind: "bad_request", param: "tools[1]" });
    expect(() => distinctTools(differing)).toThrow(refused);
    expect(() => makeToolNames(differing, [], PLAIN)).toThrow(refused);
    expect(() => distinctTools([custom, tool("exec")])).toThrow(
      expect.objectContaining({ kind: "bad_request" }),
    );
    const hosted: Tool = { kind: "hosted", maker: "openai", type: "shell", raw: {}, at: "tools[0]" };
    expect(distinctTools([hosted, hosted])).toHaveLength(2);
  });

  test("custom tools and structured output are known again", () => {
    const names = makeToolNames([custom, tool("structured_output")], [], PLAIN, true);
    expect(names.original("exec")).toEqual({ name: "exec", namespace: null, kind: "custom" });
    expect(names.original("structured_output")?.kind).toBe("function");
    expect(names.original(names.wireName(OUTPUT_TOOL))?.kind).toBe("output");
    expect(names.original("unheard-of")).toBeNull();
  });

  test("tools that only the history names have names too, and those come after the request's", () => {
    const history = [calling("old.tool", "now"), calling("__proto__")];
    const names = makeToolNames([tool("old_tool")], history, PLAIN);
    expect(names.wireName({ name: "old_tool", namespace: null })).toBe("old_tool");
    expect(names.wireName({ name: "old.tool", namespace: null })).toMatch(/^old_tool_[0-9a-f]{8}$/);
    expect(names.original("now")?.name).toBe("now");
    expect(names.original("__proto__")?.name).toBe("__proto__");
    expect(names.original("constructor")).toBeNull();
  });

  const anyName = fc.oneof(
    fc.string({ maxLength: 80 }),
    fc.string({ unit: fc.constantFrom(..."ab._:é"), minLength: 1, maxLength: 4 }),
  );
  const anyTool: fc.Arbitrary<ToolName> = fc.record({
    name: anyName,
    namespace: fc.option(fc.constantFrom("a", "b.c", "a__b"), { nil: null }),
  });
  const tools = fc.uniqueArray(anyTool, {
    selector: ({ name, namespace }) => JSON.stringify([name, namespace]),
    maxLength: 30,
  });

  test("H-106, H-107 any names are legal, distinct and reversible, and a grown history leaves them as they were", () => {
    fc.assert(
      fc.property(
        tools,
        fc.array(anyName),
        fc.array(anyName),
        fc.constantFrom(PLAIN, DOTTED),
        (all, old, more, rule) => {
          const declared = all.map(({ name, namespace }) => tool(name, namespace));
          const names = makeToolNames(declared, [calling(...old)], rule);
          const grown = makeToolNames(declared, [calling(...old), calling(...more)], rule);
          const seen = new Map<string, string>();
          for (const each of [...all, ...old.map((name) => ({ name, namespace: null }))]) {
            const wireName = names.wireName(each);
            expect(wireName.length).toBeLessThanOrEqual(rule.maxChars);
            expect([...wireName].every(rule.isAllowed)).toBe(true);
            expect(names.original(wireName)).toMatchObject(each);
            expect(seen.get(wireName) ?? JSON.stringify([each.name, each.namespace])).toBe(
              JSON.stringify([each.name, each.namespace]),
            );
            seen.set(wireName, JSON.stringify([each.name, each.namespace]));
            expect(grown.wireName(each)).toBe(wireName);
          }
        },
      ),
      { numRuns: PROPERTY_RUNS },
    );
  });

  test("H-144 2,000 tools of one flattened name are named in one go", () => {
    const many = Array.from({ length: 2000 }, (_, i) => tool(`t${String.fromCodePoint(0x4e00 + i)}`));
    const names = makeToolNames(many, [], PLAIN);
    expect(new Set(many.map((each) => names.wireName(each))).size).toBe(2000);
  });
});
