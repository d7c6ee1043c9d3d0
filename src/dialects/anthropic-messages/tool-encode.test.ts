import { describe, expect, test } from "bun:test";
import { TRAITS } from "./fixtures/codec-under-test.ts";
import type { Block } from "./fixtures/request-under-test.ts";
import {
  assistant,
  call,
  encodeAccepted,
  errorOf,
  result,
  tool,
  user,
} from "./fixtures/request-under-test.ts";

describe("tools", () => {
  test("H-106 names that are not legal are changed everywhere and can be told back", () => {
    const long = "x".repeat(70);
    const tools = [tool("a.b:c"), tool("ü"), tool(long), tool("spawn", { namespace: "agents" })];
    const { body, names } = encodeAccepted({
      tools,
      toolChoice: { mode: "tool", tool: { name: "a.b:c", namespace: null } },
      messages: [user("a"), assistant(call("c1", "{}", { name: "a.b:c" })), user(result("c1"))],
    });
    const wire = body.tools.map(({ name }: Block) => name);
    expect(wire.every((name: string) => /^[a-zA-Z0-9_-]{1,64}$/.test(name))).toBe(true);
    expect(body.messages[1].content[0].name).toBe(wire[0]);
    expect(body.tool_choice).toEqual({ type: "tool", name: wire[0] });
    expect(wire.map((name: string) => names.original(name)?.name)).toEqual(["a.b:c", "ü", long, "spawn"]);
    expect(names.original(wire[3])).toMatchObject({ namespace: "agents" });
  });

  test("H-107 a tool that is there twice is sent once, two that differ are a 400", () => {
    expect(encodeAccepted({ tools: [tool("f"), tool("f")] }).body.tools).toHaveLength(1);
    expect(errorOf({ tools: [tool("f"), tool("f", { description: "other" })] }).kind).toBe("bad_request");
  });

  test("a tool without arguments, one with a root that is no object", () => {
    const { body } = encodeAccepted({
      tools: [
        tool("a"),
        tool("b", {
          parameters: { $schema: "x", anyOf: [{ type: "object", properties: { p: { type: "string" } } }] },
        }),
      ],
    });
    expect(body.tools.map(({ input_schema }: { input_schema: Block }) => input_schema.type)).toEqual([
      "object",
      "object",
    ]);
  });

  test("a strict tool is held to what the provider checks; what it does not check is told and named", () => {
    const parameters = {
      type: "object",
      properties: { n: { type: "integer", minimum: 1 } },
      required: ["n"],
    };
    const { body, fields } = encodeAccepted({ tools: [tool("f", { strict: true, parameters })] });
    expect(body.tools[0]).toMatchObject({ strict: true, input_schema: { additionalProperties: false } });
    expect(JSON.stringify(body.tools[0])).not.toContain('"minimum"');
    expect(fields).toEqual(["tool f"]);
    const { body: loose, fields: named } = encodeAccepted(
      { tools: [tool("f", { strict: true, parameters })] },
      { traits: { ...TRAITS, structuredOutput: false } },
    );
    expect(loose.tools[0]).not.toHaveProperty("strict");
    expect(named).toEqual(["tool f.strict"]);
  });

  test("free text is the one argument of a function, its grammar is told and named", () => {
    const { body, names, fields } = encodeAccepted({
      tools: [
        {
          kind: "custom",
          name: "patch",
          namespace: null,
          description: "Patches",
          grammar: { syntax: "lark", definition: "start: /a/" },
          at: "tool patch",
        },
      ],
      messages: [
        user("a"),
        assistant(call("c1", "free text", { kind: "custom", name: "patch" })),
        user(result("c1")),
      ],
    });
    expect(body.tools[0].input_schema.required).toEqual(["input"]);
    expect(body.tools[0].description).toContain("start: /a/");
    expect(body.messages[1].content[0].input).toEqual({ input: "free text" });
    expect(names.original("patch")?.kind).toBe("custom");
    expect(fields).toEqual(["tool patch"]);
  });

  const search = {
    kind: "web-search",
    allowedDomains: ["a.example"],
    blockedDomains: null,
    maxUses: 2,
    userLocation: { city: "Bern" },
    contextSize: null,
    externalAccess: null,
    at: "tool search",
  } as const;

  test("H-85 web search goes to the provider's own; one that may not leave its cache is left out and named", () => {
    expect(encodeAccepted({ tools: [search] }).body.tools).toEqual([
      {
        type: "web_search_20250305",
        name: "web_search",
        allowed_domains: ["a.example"],
        max_uses: 2,
        user_location: { type: "approximate", city: "Bern" },
      },
    ]);
    expect(
      encodeAccepted({ tools: [search, tool("f")], toolChoice: { mode: "web-search" } }).body.tool_choice,
    ).toEqual({ type: "tool", name: "web_search" });
    expect(encodeAccepted({ tools: [{ ...search, externalAccess: false }] })).toMatchObject({
      fields: ["tool search"],
    });
    expect(errorOf({ tools: [{ ...search, blockedDomains: ["b.example"] }] })).toMatchObject({
      kind: "not_translatable",
      param: "tool search",
    });
    expect(errorOf({ tools: [search] }, { traits: { ...TRAITS, webSearch: false } }).param).toBe(
      "tool search",
    );
  });

  test("a client's tool of the search's name gets another, and is told back", () => {
    const { body, names } = encodeAccepted({ tools: [tool("web_search"), search] });
    expect(body.tools.map(({ name }: Block) => name)).toEqual(["client_web_search", "web_search"]);
    expect(names.original("client_web_search")?.name).toBe("web_search");
    expect(names.original("web_search")).toBeNull();
  });

  test("another provider's tools are refused by name, Anthropic's own go as they are", () => {
    const hosted = (maker: string) =>
      ({
        kind: "hosted",
        maker,
        type: "code_execution_20260521",
        raw: { type: "code_execution_20260521", name: "code_execution" },
        at: "tools[0]",
      }) as const;
    expect(errorOf({ tools: [hosted("openai")] })).toMatchObject({
      kind: "not_translatable",
      param: "tools[0]",
    });
    expect(encodeAccepted({ tools: [hosted("anthropic")] }).body.tools).toEqual([hosted("anthropic").raw]);
  });

  test.each([
    [null, null, undefined],
    [null, false, { type: "auto", disable_parallel_tool_use: true }],
    [{ mode: "auto" }, null, { type: "auto" }],
    [{ mode: "required" }, false, { type: "any", disable_parallel_tool_use: true }],
    [{ mode: "none" }, false, { type: "none" }],
    [{ mode: "tool", tool: { name: "f", namespace: null } }, true, { type: "tool", name: "f" }],
  ] as const)("the choice %j, parallel %j", (toolChoice, parallelToolCalls, expected) => {
    expect(encodeAccepted({ tools: [tool("f")], toolChoice, parallelToolCalls }).body.tool_choice).toEqual(
      expected as never,
    );
  });

  test("a model that cannot be forced is left to choose, and that is named", () => {
    const traits = { ...TRAITS, forcedTools: false };
    const request = { tools: [tool("f")], toolChoice: { mode: "required" } as const };
    expect(encodeAccepted(request, { traits })).toMatchObject({ fields: ["toolChoice"] });
    expect(encodeAccepted(request, { traits }).body).not.toHaveProperty("tool_choice");
    const single = encodeAccepted({ ...request, parallelToolCalls: false }, { traits });
    expect(single.body.tool_choice).toEqual({ type: "auto", disable_parallel_tool_use: true });
  });

  test("a choice among some offers those alone", () => {
    const toolChoice = { mode: "subset", tools: [{ name: "b", namespace: null }], isRequired: true } as const;
    const { body } = encodeAccepted({ tools: [tool("a"), tool("b")], toolChoice });
    expect([body.tools.map(({ name }: Block) => name), body.tool_choice]).toEqual([["b"], { type: "any" }]);
  });

  test("a choice without tools is left out; one of a tool that is not there is a 400", () => {
    expect(encodeAccepted({ toolChoice: { mode: "required" } })).toMatchObject({ fields: ["toolChoice"] });
    expect(
      errorOf({ tools: [tool("f")], toolChoice: { mode: "tool", tool: { name: "x", namespace: null } } })
        .param,
    ).toBe("toolChoice");
  });
});
