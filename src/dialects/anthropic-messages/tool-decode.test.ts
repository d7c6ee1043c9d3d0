import { describe, expect, test } from "bun:test";
import { fieldsOf, tool } from "./fixtures/body-under-test.ts";
import { decodeBody } from "./fixtures/codec-under-test.ts";

describe("tools", () => {
  test("those that Anthropic defines and the client runs become functions with their schemas", () => {
    const tools = [
      { type: "bash_20250124", name: "bash" },
      { type: "text_editor_20250728", name: "str_replace_based_edit_tool" },
      { type: "text_editor_20250124", name: "str_replace_editor" },
      { type: "memory_20250818", name: "memory" },
    ];
    const { request, dropped } = decodeBody({ tools });
    expect(dropped).toEqual([]);
    expect(
      request.tools.map(
        (entry) =>
          entry.kind === "function" && [entry.name, Object.keys(entry.parameters?.properties as object)],
      ),
    ).toEqual([
      ["bash", ["command", "restart"]],
      [
        "str_replace_based_edit_tool",
        ["command", "path", "file_text", "old_str", "new_str", "insert_line", "view_range", "insert_text"],
      ],
      [
        "str_replace_editor",
        ["command", "path", "file_text", "old_str", "new_str", "insert_line", "view_range"],
      ],
      [
        "memory",
        [
          "command",
          "path",
          "file_text",
          "old_str",
          "new_str",
          "insert_line",
          "view_range",
          "insert_text",
          "old_path",
          "new_path",
        ],
      ],
    ]);
  });

  test("the provider's own: web search is known everywhere, the others are its alone", () => {
    const tools = [
      {
        type: "web_search_20260209",
        name: "web_search",
        allowed_domains: ["a.example"],
        max_uses: 3,
        user_location: { type: "approximate", city: "Bern", country: "CH" },
      },
      { type: "code_execution_20260521", name: "code_execution" },
    ];
    expect(decodeBody({ tools, tool_choice: { type: "tool", name: "web_search" } }).request).toMatchObject({
      tools: [
        {
          kind: "web-search",
          allowedDomains: ["a.example"],
          blockedDomains: null,
          maxUses: 3,
          userLocation: { city: "Bern", country: "CH" },
          at: "tools[0]",
        },
        {
          kind: "hosted",
          maker: "anthropic",
          type: "code_execution_20260521",
          raw: tools[1],
          at: "tools[1]",
        },
      ],
      toolChoice: { mode: "web-search" },
    });
  });

  test.each([
    [{ type: "auto" }, { mode: "auto" }, null],
    [{ type: "any", disable_parallel_tool_use: true }, { mode: "required" }, false],
    [{ type: "none" }, { mode: "none" }, null],
    [{ type: "tool", name: "f" }, { mode: "tool", tool: { name: "f", namespace: null } }, null],
  ])("the choice %j", (choice, toolChoice, parallelToolCalls) => {
    expect(decodeBody({ tools: [tool("f")], tool_choice: choice }).request).toMatchObject({
      toolChoice,
      parallelToolCalls,
    } as never);
  });

  test("what others cannot be told of a tool is named", () => {
    expect(
      fieldsOf({
        tools: [
          tool("f", {
            input_examples: [{}],
            eager_input_streaming: true,
            new_thing: 1,
            allowed_callers: ["code_execution_20260120"],
          }),
        ],
      }),
    ).toEqual(["tools[0].new_thing", "tools[0].input_examples", "tools[0].allowed_callers"]);
  });
});
