import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { DIALECTS_UNDER_TEST } from "../dialects/fixtures/dialects-under-test.ts";
import * as ceilings from "./ceilings.ts";
import type { ModelRequest } from "./request.ts";

const { checkCeilings, checkCitations } = ceilings;

function chatRequest(more: object): ModelRequest {
  const { codec, smallRequest } = DIALECTS_UNDER_TEST["openai-chat"];
  return codec.decodeRequest({ ...smallRequest, ...more }, { model: "m", stream: false }).request;
}

function tool(name: string, parameters: object = { type: "object" }): object {
  return { type: "function", function: { name, parameters } };
}

function list<T>(length: number, entry: (n: number) => T): T[] {
  return Array.from({ length }, (_, n) => entry(n));
}

const calling = (calls: number): object => ({
  messages: [
    { role: "user", content: "Hi" },
    {
      role: "assistant",
      content: null,
      tool_calls: list(calls, (n) => ({
        id: `c${n}`,
        type: "function",
        function: { name: "f", arguments: "{}" },
      })),
    },
  ],
});
const talking = (messages: number): object => ({
  messages: list(messages, (n) => ({ role: n % 2 === 0 ? "user" : "assistant", content: "Hi" })),
});
const branching = (branches: number): object => ({
  tools: [
    tool("f", {
      type: "object",
      properties: {
        a: { anyOf: list(branches / 2, () => ({})) },
        b: { oneOf: list(branches / 2, () => ({})) },
      },
    }),
  ],
});
const referring = (references: number): object => ({
  tools: [
    tool("f", {
      type: "object",
      properties: { a: { prefixItems: list(references, () => ({ $ref: "#" })) } },
    }),
  ],
});

describe("a request with as much as a translation takes passes, and with one more is refused by name:", () => {
  test.each([
    [
      "tools",
      (n: number) => ({ tools: list(n, (i) => tool(`f${i}`)) }),
      ceilings.MAX_TOOLS,
      1,
      "tools[4096]",
    ],
    ["messages", talking, ceilings.MAX_MESSAGES, 1, "messages"],
    ["calls", calling, ceilings.MAX_CALLS, 1, "messages[1]"],
    ["branches", branching, ceilings.MAX_SCHEMA_BRANCHES, 2, "tools[0]"],
    ["references", referring, ceilings.MAX_SCHEMA_REFS, 1, "tools[0]"],
  ] as const)("%s", (what, more, most, step, param) => {
    expect(() => checkCeilings(chatRequest(more(most)))).not.toThrow();
    expect(() => checkCeilings(chatRequest(more(most + step)))).toThrow(
      expect.objectContaining({ kind: "bad_request", param, message: expect.stringContaining(what) }),
    );
  });

  test("the schema of the answer", () => {
    const response_format = {
      type: "json_schema",
      json_schema: { name: "r", schema: { anyOf: list(ceilings.MAX_SCHEMA_BRANCHES + 1, () => ({})) } },
    };
    expect(() => checkCeilings(chatRequest({ response_format }))).toThrow("branches");
  });

  test("citations", () => {
    expect(() => checkCitations(ceilings.MAX_CITATIONS)).not.toThrow();
    expect(() => checkCitations(ceilings.MAX_CITATIONS + 1)).toThrow(
      expect.objectContaining({ kind: "upstream_garbage" }),
    );
  });
});

test("docs/translation.md names each ceiling", () => {
  const page = readFileSync(new URL("../../docs/translation.md", import.meta.url), "utf8");
  const rows = page.slice(page.indexOf("## Ceilings"), page.indexOf("## Stop sequences"));
  for (const [name, most] of Object.entries(ceilings)) {
    if (typeof most !== "number") continue;
    expect([name, rows]).toEqual([name, expect.stringContaining(` ${most.toLocaleString("en")} |`)]);
  }
});
