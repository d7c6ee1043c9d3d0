import { describe, expect, test } from "bun:test";
import type { WebSearchTool } from "../../neutral/request.ts";
import type { EncodeRequestOptions } from "../codec.ts";
import { COMPATIBLE, type Json } from "./fixtures/codec-under-test.ts";
import {
  assistant,
  bodyOf,
  call,
  droppedOf,
  encode,
  faultOf,
  fn,
  result,
  text,
  user,
  withTraits,
} from "./fixtures/request-under-test.ts";

describe("tools", () => {
  const closed = {
    type: "object",
    properties: { a: { type: "string" } },
    required: ["a"],
    additionalProperties: false,
  };
  const open = { type: "object", properties: { a: { type: "string" } } };

  test("H-115 strictness: as asked where it can be, off and named where OpenAI would refuse it", () => {
    const strict = (parameters: object, options?: EncodeRequestOptions) =>
      bodyOf({ tools: [fn("f", { parameters: parameters as never, strict: true })] }, options).tools[0]
        .function.strict;
    expect(strict(closed)).toBe(true);
    expect(strict(open)).toBe(false);
    expect(strict({ ...closed, properties: { a: open } })).toBe(false);
    expect(strict(open, COMPATIBLE)).toBe(true);
    expect(droppedOf({ tools: [fn("f", { parameters: open, strict: true })] })).toEqual(["tools[0].strict"]);
    expect(bodyOf({ tools: [fn("f", { parameters: open })] }).tools[0].function).not.toHaveProperty("strict");
  });

  test("an object without properties gets none, for OpenAI refuses it as it is", () => {
    const told = (options?: EncodeRequestOptions) =>
      bodyOf({ tools: [fn("f", { parameters: { type: "object" } })] }, options).tools[0].function.parameters;
    expect(told()).toEqual({ type: "object", properties: {} });
    expect(told(COMPATIBLE)).toEqual({ type: "object" });
  });

  test("H-106 names that are not allowed are renamed in tools, choice and history, and can be told back", () => {
    const tools = [fn("fs.read"), fn("ls", { namespace: "agents" }), fn("x".repeat(80))];
    const messages = [user("a"), assistant(call("c", "{}", { name: "fs.read" })), user(result("c", "r"))];
    const toolChoice = { mode: "tool", tool: { name: "fs.read", namespace: null } } as const;
    const { body, names } = encode({ tools, messages, toolChoice });
    const sent: Json = JSON.parse(JSON.stringify(body));
    const wire = sent.tools.map((tool: Json) => tool.function.name);
    for (const name of wire) expect(name).toMatch(/^[A-Za-z0-9_-]{1,64}$/);
    expect(new Set(wire).size).toBe(3);
    expect(sent.tool_choice.function.name).toBe(wire[0]);
    expect(sent.messages[1].tool_calls[0].function.name).toBe(wire[0]);
    expect(names.original(wire[1])).toEqual({ name: "ls", namespace: "agents", kind: "function" });
  });

  test("H-107 a tool that comes twice the same is sent once; two that differ are refused", () => {
    expect(bodyOf({ tools: [fn("f"), fn("f", { at: "tools[1]" })] }).tools).toHaveLength(1);
    expect(faultOf({ tools: [fn("f"), fn("f", { description: "other", at: "tools[1]" })] }).kind).toBe(
      "bad_request",
    );
  });

  test("custom tools: as such for OpenAI, as a function with one text for others", () => {
    const custom = {
      kind: "custom",
      name: "exec",
      namespace: null,
      description: "d",
      grammar: { syntax: "regex", definition: "a+" },
      at: "tools[0]",
    } as const;
    const messages = [
      user("a"),
      assistant(call("c", "ls", { name: "exec", kind: "custom" })),
      user(result("c", "r")),
    ];
    const own = bodyOf({ tools: [custom], messages });
    expect(own.tools[0]).toEqual({
      type: "custom",
      custom: {
        name: "exec",
        description: "d",
        format: { type: "grammar", grammar: { definition: "a+", syntax: "regex" } },
      },
    });
    expect(own.messages[1].tool_calls[0]).toEqual({
      id: "c",
      type: "custom",
      custom: { name: "exec", input: "ls" },
    });
    const other = bodyOf({ tools: [custom], messages }, COMPATIBLE);
    expect(other.tools[0].function).toMatchObject({ name: "exec", parameters: { required: ["input"] } });
    expect(other.messages[1].tool_calls[0].function.arguments).toBe('{"input":"ls"}');
    expect(droppedOf({ tools: [custom], messages }, COMPATIBLE)).toEqual(["tools[0]"]);
  });

  test("a choice among some: as such for OpenAI, by showing only those to others", () => {
    const toolChoice = { mode: "subset", tools: [{ name: "g", namespace: null }], isRequired: true } as const;
    const request = { tools: [fn("f"), fn("g")], toolChoice };
    expect(bodyOf(request)).toMatchObject({
      tools: [{}, {}],
      tool_choice: {
        type: "allowed_tools",
        allowed_tools: { mode: "required", tools: [{ type: "function", function: { name: "g" } }] },
      },
    });
    const other = bodyOf(request, COMPATIBLE);
    expect(other.tools.map((tool: Json) => tool.function.name)).toEqual(["g"]);
    expect(other.tool_choice).toBe("required");
  });

  test("a choice that forces a model which refuses that is left out by name", () => {
    const options = withTraits({ forcedTools: false }, COMPATIBLE);
    const forced = { tools: [fn("f")], toolChoice: { mode: "required" } } as const;
    expect(bodyOf(forced, options)).not.toHaveProperty("tool_choice");
    expect(droppedOf(forced, options)).toEqual(["toolChoice"]);
    expect(bodyOf({ ...forced, toolChoice: { mode: "none" } }, options).tool_choice).toBe("none");
  });

  test("a choice without tools is not sent", () => {
    expect(bodyOf({ toolChoice: { mode: "auto" }, parallelToolCalls: true })).not.toHaveProperty(
      "tool_choice",
    );
    expect(droppedOf({ toolChoice: { mode: "required" } })).toEqual(["toolChoice"]);
  });

  const search: WebSearchTool = {
    kind: "web-search",
    allowedDomains: null,
    blockedDomains: null,
    maxUses: 3,
    userLocation: { city: "Bern" },
    contextSize: "low",
    externalAccess: null,
    at: "tools[4]",
  };
  test("web search: of models that search; a search without the web is left out; any other is refused", () => {
    const options = withTraits({ webSearch: true });
    expect(bodyOf({ tools: [search] }, options).web_search_options).toEqual({
      search_context_size: "low",
      user_location: { type: "approximate", approximate: { city: "Bern" } },
    });
    expect(droppedOf({ tools: [search] }, options)).toEqual(["tools[4]"]);
    expect(faultOf({ tools: [search] })).toMatchObject({ kind: "not_translatable", param: "tools[4]" });
    expect(droppedOf({ tools: [{ ...search, externalAccess: false }] })).toEqual(["tools[4]"]);
    expect(faultOf({ tools: [{ ...search, blockedDomains: ["x"] }] }, options).kind).toBe("not_translatable");
  });

  test("a tool that its provider runs is refused", () => {
    const hosted = {
      kind: "hosted",
      maker: "anthropic",
      type: "code_execution",
      raw: {},
      at: "tools[1]",
    } as const;
    expect(faultOf({ tools: [hosted] })).toMatchObject({ kind: "not_translatable", param: "tools[1]" });
  });

  test("JSON without a schema: the word is said where nobody has said it, and named", () => {
    const output = { kind: "json" } as const;
    const added = bodyOf({ output, messages: [user(text("hello"))] }, COMPATIBLE);
    expect(added.messages[0].content).toBe("Answer in JSON.");
    expect(droppedOf({ output, messages: [user(text("hello"))] }, COMPATIBLE)).toEqual(["output"]);
    expect(bodyOf({ output, messages: [user(text("hello, json"))] }, COMPATIBLE).messages).toHaveLength(1);
  });

  test("H-110 a schema for the answer, beside tools", () => {
    const output = {
      kind: "json-schema",
      name: null,
      description: null,
      schema: closed,
      strict: true,
    } as const;
    expect(bodyOf({ output, tools: [fn("f")] })).toMatchObject({
      response_format: { type: "json_schema", json_schema: { name: "output", schema: closed, strict: true } },
      tools: [{}],
    });
    const told = bodyOf({ output }, withTraits({ structuredOutput: false }, COMPATIBLE));
    expect(told.response_format).toEqual({ type: "json_object" });
    expect(told.messages[0].content).toContain('"additionalProperties":false');
  });
});
