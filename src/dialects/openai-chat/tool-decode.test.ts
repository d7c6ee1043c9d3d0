import { describe, expect, test } from "bun:test";
import { decode, droppedOf, faultOf, HI, tool, whole } from "./fixtures/client-under-test.ts";

describe("tools", () => {
  test("H-115 functions keep whether they are strict, and that nothing was said", () => {
    const parameters = { type: "object", properties: {} };
    expect(
      decode({ tools: [tool("f", { description: "d", parameters, strict: true }), tool("g")] }).tools,
    ).toEqual([
      {
        kind: "function",
        name: "f",
        namespace: null,
        description: "d",
        parameters,
        strict: true,
        isDeferred: false,
        cache: null,
        at: "tools[0]",
      },
      {
        kind: "function",
        name: "g",
        namespace: null,
        description: null,
        parameters: null,
        strict: null,
        isDeferred: false,
        cache: null,
        at: "tools[1]",
      },
    ]);
  });

  test("custom tools with a grammar", () => {
    const format = { type: "grammar", grammar: { syntax: "lark", definition: "start: WORD" } };
    expect(decode({ tools: [{ type: "custom", custom: { name: "x", format } }] }).tools).toMatchObject([
      { kind: "custom", name: "x", grammar: { syntax: "lark", definition: "start: WORD" } },
    ]);
  });

  test.each<[unknown, unknown]>([
    ["auto", { mode: "auto" }],
    ["none", { mode: "none" }],
    ["required", { mode: "required" }],
    [
      { type: "function", function: { name: "f" } },
      { mode: "tool", tool: { name: "f", namespace: null } },
    ],
    [
      { type: "custom", custom: { name: "f" } },
      { mode: "tool", tool: { name: "f", namespace: null } },
    ],
    [
      { type: "allowed_tools", allowed_tools: { mode: "required", tools: [tool("f")] } },
      { mode: "subset", tools: [{ name: "f", namespace: null }], isRequired: true },
    ],
  ])("tool_choice %j", (choice, expected) => {
    expect(decode({ tools: [tool("f"), tool("g")], tool_choice: choice }).toolChoice).toEqual(
      expected as never,
    );
  });

  test("a choice without tools is left out, and named when it mattered", () => {
    expect(whole({ tool_choice: "auto" })).toMatchObject({ request: { toolChoice: null }, dropped: [] });
    expect(droppedOf({ tool_choice: "required" })).toEqual(["tool_choice"]);
  });

  test("H-116 functions of the deprecated form: tools, choice, calls and results with ids of their own", () => {
    const { request, replyContext } = whole({
      functions: [{ name: "f", parameters: { type: "object" } }],
      function_call: { name: "f" },
      messages: [
        HI,
        { role: "assistant", content: null, function_call: { name: "f", arguments: '{"a":1}' } },
        { role: "function", name: "f", content: "one" },
        { role: "assistant", content: null, function_call: { name: "f", arguments: "{}" } },
        { role: "function", name: "f", content: null },
      ],
    });
    expect(replyContext).toEqual({ includeUsage: false, usesFunctions: true });
    expect(request).toMatchObject({
      tools: [{ kind: "function", name: "f", at: "functions[0]" }],
      toolChoice: { mode: "tool", tool: { name: "f" } },
      parallelToolCalls: false,
      messages: [
        { role: "user" },
        {
          role: "assistant",
          parts: [{ type: "tool-call", id: "call_function_1", name: "f", input: '{"a":1}' }],
        },
        {
          role: "user",
          parts: [{ type: "tool-result", callId: "call_function_1", content: [{ text: "one" }] }],
        },
        { role: "assistant", parts: [{ type: "tool-call", id: "call_function_3" }] },
        { role: "user", parts: [{ type: "tool-result", callId: "call_function_3", content: [] }] },
      ],
    });
  });

  test("H-116 a function's result that nobody called for is refused", () => {
    expect(faultOf({ messages: [HI, { role: "function", name: "f", content: "x" }] })).toMatchObject({
      kind: "bad_request",
      param: "messages[1].name",
    });
  });
});
