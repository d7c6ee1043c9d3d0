// Orders in a prompt are carried out with the tools of the agents, in the form in which they arrive.

import { describe, expect, test } from "bun:test";
import { dueCall } from "./agent-turn.ts";
import type { Question, Turn } from "./question.ts";
import type { ToolOffer } from "./tool.ts";

const said = (text: string): Turn => ({ by: "user", text });
const done: Turn = { by: "tool", text: "ok" };
const spoke: Turn = { by: "model", text: "" };

function due(tools: readonly ToolOffer[], ...turns: readonly Turn[]) {
  const question: Question = {
    model: "m",
    organization: "o",
    prompt: { parts: [] },
    turns,
    tools,
    choice: "auto",
    isParallel: true,
    isReasoning: false,
    stops: [],
  };
  const call = dueCall(question);
  return call === undefined ? undefined : [call.tool.name, call.input];
}

const string = { type: "string" };
const offer = (
  name: string,
  properties: Record<string, unknown>,
  required = Object.keys(properties),
): ToolOffer => ({
  name,
  kind: "function",
  schema: { type: "object", properties, required },
});
const freeform = (name: string): ToolOffer => ({ name, kind: "custom", schema: {} });

const ORDER = "Please [[write /tmp/a b.txt It's “here”]] now";
const WRITE = "Please [[write /tmp/a.txt It's here]] now";
const PATCH = "*** Begin Patch\n*** Add File: /tmp/a.txt\n+It's here\n*** End Patch\n";
const COMMAND = `printf '%s' 'It'\\''s here' > '/tmp/a.txt'`;

describe("a file is written", () => {
  test.each<[agent: string, tools: readonly ToolOffer[], name: string, input: unknown]>([
    [
      "Claude Code",
      [
        offer("Bash", { command: string, description: string }, ["command"]),
        offer("Edit", { file_path: string, old_string: string, new_string: string }),
        offer("Write", { file_path: string, content: string }),
      ],
      "Write",
      { file_path: "/tmp/a.txt", content: "It's here" },
    ],
    [
      "Claude Code with Edit alone",
      [offer("Edit", { file_path: string, old_string: string, new_string: string })],
      "Edit",
      { file_path: "/tmp/a.txt", old_string: "", new_string: "It's here" },
    ],
    [
      "Gemini CLI",
      [offer("write_file", { file_path: string, content: string })],
      "write_file",
      {
        file_path: "/tmp/a.txt",
        content: "It's here",
      },
    ],
    [
      "Codex with its shell",
      [offer("shell", { command: { type: "array", items: string }, workdir: string }, ["command"])],
      "shell",
      {
        command: ["bash", "-lc", COMMAND],
      },
    ],
    [
      "Codex with exec_command",
      [offer("exec_command", { cmd: string, yield_time_ms: { type: "number" } }, ["cmd"])],
      "exec_command",
      { cmd: COMMAND },
    ],
    [
      "a flattened namespace",
      [offer("fs__write_file", { path: string, content: string })],
      "fs__write_file",
      {
        path: "/tmp/a.txt",
        content: "It's here",
      },
    ],
    [
      "a freeform tool turned into a function",
      [offer("apply_patch", { input: string })],
      "apply_patch",
      { input: PATCH },
    ],
    [
      "a tool with more that is required",
      [offer("Write", { file_path: string, content: string, mode: { type: "string", enum: ["new"] } })],
      "Write",
      {
        mode: "new",
        file_path: "/tmp/a.txt",
        content: "It's here",
      },
    ],
  ])("by %s", (_, tools, name, input) => {
    const [called, args] = due(tools, said(WRITE)) ?? [];

    expect(called).toBe(name);
    expect(JSON.parse(args ?? "")).toEqual(input);
  });

  test("by a freeform tool", () => {
    expect(due([freeform("apply_patch")], said(WRITE))).toEqual(["apply_patch", PATCH]);
  });

  test("with the text from the second word on", () => {
    const [, args] = due([offer("Write", { file_path: string, content: string })], said(ORDER)) ?? [];

    expect(JSON.parse(args ?? "")).toEqual({ file_path: "/tmp/a", content: "b.txt It's “here”" });
  });
});

test("a command is run, any tool is called", () => {
  const tools = [offer("Bash", { command: string }), offer("ns__weather", { city: string })];

  expect(due(tools, said("[[run ls -l | wc]]"))).toEqual(["Bash", '{"command":"ls -l | wc"}']);
  expect(due(tools, said('[[call weather {"city":"東京"}]]'))).toEqual(["ns__weather", '{"city":"東京"}']);
});

test("several orders are carried out one a turn, whatever else the client says between", () => {
  const tools = [offer("Write", { file_path: string, content: string })];
  const prompt = said("[[write a one]] and [[write b two]]");
  const inputs = (...turns: readonly Turn[]) => JSON.parse(due(tools, ...turns)?.[1] ?? "null");

  expect(inputs(prompt)).toEqual({ file_path: "a", content: "one" });
  expect(inputs(prompt, said("a reminder"), spoke, done, said("a reminder"))).toEqual({
    file_path: "b",
    content: "two",
  });
  expect(inputs(prompt, spoke, done, spoke, done)).toBeNull();
});

test("without a fitting tool nothing is called", () => {
  expect(due([offer("weather", { city: string })], said(WRITE))).toBeUndefined();
  expect(due([], said(WRITE))).toBeUndefined();
});
