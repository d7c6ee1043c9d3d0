// OpenAI's message for a violation of a table of fields; Chat Completions and Responses share the wording.

import { openaiRefusal, type Refusal } from "../base/refusal.ts";
import type { Problem } from "./shape.ts";

export function openaiProblem(problem: Problem): Refusal {
  const param = pathOf(problem.path);
  const { message, code } = wordingOf(problem, param);
  return openaiRefusal(400, { message, param, code });
}

/** A path in OpenAI's notation: `messages[0].content[1].text`. */
function pathOf(path: Problem["path"]): string {
  return path
    .map((step, index) => (typeof step === "number" ? `[${step}]` : index === 0 ? step : `.${step}`))
    .join("");
}

const WANTED: Readonly<Record<string, string>> = {
  string: "a string",
  integer: "an integer",
  number: "a decimal",
  boolean: "a boolean",
  list: "an array",
  object: "an object",
  "string or list": "one of a string or array of objects",
};

function foundName(value: unknown): string {
  if (value === null) {
    return "null";
  }
  if (Array.isArray(value)) {
    return "an array";
  }
  if (typeof value === "number") {
    return Number.isInteger(value) ? "an integer" : "a decimal number";
  }
  return typeof value === "object" ? "an object" : `a ${typeof value}`;
}

function wordingOf(problem: Problem, param: string): { message: string; code: string } {
  const { found, limit, expected } = problem;
  const kind =
    typeof found === "string"
      ? "string"
      : Array.isArray(found)
        ? "array"
        : expected === "integer"
          ? "integer"
          : "decimal";
  switch (problem.kind) {
    case "missing":
      return { message: `Missing required parameter: '${param}'.`, code: "missing_required_parameter" };
    case "unknown":
      return { message: `Unknown parameter: '${param}'.`, code: "unknown_parameter" };
    case "type":
      return {
        message: `Invalid type for '${param}': expected ${WANTED[expected] ?? expected}, but got ${foundName(found)} instead.`,
        code: "invalid_type",
      };
    case "value":
      return {
        message: `Invalid value: '${String(found)}'. Supported values are: ${listed(problem.allowed ?? [])}.`,
        code: "invalid_value",
      };
    case "too-small":
      return {
        message: `Invalid '${param}': ${kind} below minimum value. Expected a value >= ${limit}, but got ${String(found)} instead.`,
        code: `${kind}_below_min_value`,
      };
    case "too-large":
      return {
        message: `Invalid '${param}': ${kind} above maximum value. Expected a value <= ${limit}, but got ${String(found)} instead.`,
        code: `${kind}_above_max_value`,
      };
    case "too-short":
      return {
        message: `Invalid '${param}': empty ${kind}. Expected ${kind === "array" ? "an array" : "a string"} with minimum length ${limit}, but got an empty ${kind} instead.`,
        code: `empty_${kind}`,
      };
    case "too-long":
      return tooLong(found, limit ?? 0, param);
    case "pattern": {
      const prefix = /^\^([a-z]+)_$/.exec(problem.pattern?.source ?? "")?.[1];
      if (prefix !== undefined) {
        return {
          message: `Invalid '${param}': '${String(found)}'. Expected an ID that begins with '${prefix}'.`,
          code: "invalid_value",
        };
      }
      return {
        message: `Invalid '${param}': string does not match pattern. Expected a string that matches the pattern '${problem.pattern?.source}'.`,
        code: "invalid_value",
      };
    }
  }
}

function tooLong(found: unknown, limit: number, param: string): { message: string; code: string } {
  if (typeof found === "string") {
    return {
      message: `Invalid '${param}': string too long. Expected a string with maximum length ${limit}, but got a string with length ${found.length} instead.`,
      code: "string_above_max_length",
    };
  }
  const size = Array.isArray(found) ? found.length : Object.keys(Object(found)).length;
  const kind = Array.isArray(found) ? "array" : "object";
  return {
    message: `Invalid '${param}': ${kind} too long. Expected an ${kind} with maximum length ${limit}, but got one with length ${size} instead.`,
    code: `${kind}_above_max_length`,
  };
}

function listed(values: readonly string[]): string {
  const quoted = values.map((value) => `'${value}'`);
  return quoted.length < 2 ? quoted.join("") : `${quoted.slice(0, -1).join(", ")}, and ${quoted.at(-1)}`;
}
