// Carries out the orders in a user's prompt (`[[write FILE TEXT]]`) with the tools that the agent offers. The
// names and schemas of the tools tell which tool fits.

import { asRecord, asString } from "../base/json.ts";
import { exampleOf } from "./example.ts";
import type { Question } from "./question.ts";
import type { Call, ToolOffer } from "./tool.ts";

interface Order {
  readonly verb: "write" | "run" | "call";
  /** File, command or tool. */
  readonly object: string;
  readonly text: string;
}

const ORDER = /\[\[(?:(write|call)\s+(\S+?)(?:\s+([\s\S]*?))?|(run)\s+([\s\S]+?))\]\]/g;

/**
 * The next call. The simulator carries out the orders of the last prompt that has orders, one each turn: the
 * number of results since that prompt is the number of orders done. Undefined when all are done, there are
 * none, or no tool fits.
 */
export function dueCall(question: Question): Call | undefined {
  const from = question.turns.findLastIndex((turn) => turn.by === "user" && ordersIn(turn.text).length > 0);
  const orders = ordersIn(question.turns[from]?.text ?? "");
  const done = question.turns.slice(from + 1).filter((turn) => turn.by === "tool").length;
  const order = orders[done];
  return order === undefined || question.choice === "none" ? undefined : callFor(order, question.tools);
}

function ordersIn(text: string): Order[] {
  return [...text.matchAll(ORDER)].map(([, verb, object = "", rest = "", , command]) =>
    command === undefined
      ? { verb: verb === "call" ? "call" : "write", object, text: rest }
      : { verb: "run", object: command, text: "" },
  );
}

/** Tools that write files, the best first. A flattened name counts by its last part. */
const WRITERS = [/^write$|^write_?file$|^create_?file$/i, /^apply_?patch$/i, /^edit$|^replace$/i];
const SHELLS = [
  /^exec_command$|^shell$|^shell_command$|^local_shell$|^bash$|^run_shell_command$/i,
  /^exec$/i,
];

function callFor(order: Order, tools: readonly ToolOffer[]): Call | undefined {
  if (order.verb === "call") {
    const tool = tools.find((one) => one.name === order.object) ?? named(tools, [exactly(order.object)]);
    return tool === undefined ? undefined : { tool, input: order.text === "" ? "{}" : order.text };
  }
  const tool =
    order.verb === "write" ? (named(tools, WRITERS) ?? named(tools, SHELLS)) : named(tools, SHELLS);
  return tool === undefined ? undefined : { tool, input: inputFor(tool, order) };
}

function exactly(name: string): RegExp {
  return new RegExp(`^${name.replace(/[^\w]/g, "\\$&")}$`);
}

function named(tools: readonly ToolOffer[], patterns: readonly RegExp[]): ToolOffer | undefined {
  for (const pattern of patterns) {
    const tool = tools.find((one) =>
      pattern.test(one.name.slice(one.name.lastIndexOf("__") + 1).replace(/^_/, "")),
    );
    if (tool !== undefined) {
      return tool;
    }
  }
  return undefined;
}

/**
 * Properties of agents' tools, grouped by meaning. A required property outside these groups gets an example
 * value.
 */
const MEANINGS: readonly (readonly [name: RegExp, value: (order: Order, schema: unknown) => unknown])[] = [
  [/^(file_?path|path|file_?name|absolute_path|target_file)$/i, (order) => order.object],
  [/^(content|contents|text|file_text|new_string|new_str)$/i, (order) => order.text],
  [/^(old_string|old_str)$/i, () => ""],
  [
    /^(command|cmd)$/i,
    (order, schema) =>
      asRecord(schema).type === "array" ? ["bash", "-lc", commandOf(order)] : commandOf(order),
  ],
];

function inputFor(tool: ToolOffer, order: Order): string {
  const schema = asRecord(tool.schema);
  const properties = asRecord(schema.properties);
  const names = Object.keys(properties);
  if (tool.kind === "custom") {
    return freeInput(tool, order);
  }
  if (names.length === 1 && (names[0] === "input" || names[0] === "patch")) {
    return JSON.stringify({ [names[0]]: freeInput(tool, order) });
  }
  const known = names.flatMap((name) => {
    const meaning = MEANINGS.find(([pattern]) => pattern.test(name));
    return meaning === undefined ? [] : [[name, meaning[1](order, properties[name])] as const];
  });
  return JSON.stringify({ ...asRecord(exampleOf(schema)), ...Object.fromEntries(known) });
}

/** The input of a freeform tool: a patch, or the code of a cell that runs a command. */
function freeInput(tool: ToolOffer, order: Order): string {
  if (/patch/i.test(tool.name)) {
    const lines = order.text.split("\n").map((line) => `+${line}\n`);
    return `*** Begin Patch\n*** Add File: ${order.object}\n${lines.join("")}*** End Patch\n`;
  }
  return `text(await tools.exec_command({ cmd: ${JSON.stringify(commandOf(order))} }));\n`;
}

function commandOf(order: Order): string {
  const quoted = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`;
  return order.verb === "run"
    ? order.object
    : `printf '%s' ${quoted(order.text)} > ${quoted(asString(order.object))}`;
}
