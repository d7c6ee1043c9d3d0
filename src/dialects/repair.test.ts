import { describe, expect, test } from "bun:test";
import { Buffer } from "node:buffer";
import fc from "fast-check";
import type { JsonObject } from "../core/json.ts";
import { rewriteJson } from "../wire/json-rewrite.ts";
import type { DialectName } from "./dialect.ts";
import { DIALECTS } from "./index.ts";
import { type Repair, type RepairKind, repairBody } from "./repair.ts";

/** Kinds that no edit of a body makes: the encoder of a translated request, and the headers of a relayed one. */
const ELSEWHERE: readonly RepairKind[] = ["schema-in-words", "watch-stops", "without-beta"];

for (const [dialect, { repairs: rules }] of Object.entries(DIALECTS)) {
  const kinds = Object.keys(rules.edits) as RepairKind[];
  const members = [...Object.keys(rules.optional), ...Object.keys(rules.renamed)];

  describe(dialect, () => {
    test("every row begins with the words, and asks for a repair that there is", () => {
      for (const { words, repairs, members: named = [] } of rules.refusals) {
        expect(words.source).toMatch(/^\^/);
        // Alternatives at the top level begin with the words too.
        for (const part of alternativesOf(words.source)) expect(part).toMatch(/^\^/);
        for (const kind of repairs) {
          expect(kind === "without" || kinds.includes(kind) || ELSEWHERE.includes(kind)).toBe(true);
        }
        for (const member of named) expect(Object.keys(rules.optional)).toContain(member);
      }
    });

    /** Bodies that hold the dialect's members in right and wrong places, with values of any type. */
    const names = [
      ...new Set(members.flatMap((member) => member.split(".")).filter((step) => !step.includes("*"))),
    ];
    const { body } = fc.letrec<{ body: JsonObject; value: unknown }>((tie) => ({
      value: fc.oneof(
        { maxDepth: 5, depthSize: "small" },
        fc.constantFrom<unknown>(
          "assistant",
          "user",
          "system",
          "developer",
          "tool",
          "required",
          "",
          null,
          1,
          true,
        ),
        fc.array(tie("value"), { maxLength: 4 }),
        tie("body"),
      ),
      body: fc.dictionary(
        fc.constantFrom(
          ...names,
          "role",
          "content",
          "messages",
          "input",
          "contents",
          "parts",
          "tool_choice",
          "tool_calls",
        ),
        tie("value"),
        { maxKeys: 6 },
      ),
    }));
    const repair = fc
      .oneof(
        fc.constantFrom(...kinds).map((kind) => ({ kind, member: "" })),
        fc
          .constantFrom(...Object.keys(rules.optional))
          .map((member) => ({ kind: "without" as const, member })),
        ...Object.keys(rules.renamed).map((member) => fc.constant({ kind: "rename" as const, member })),
      )
      .map((one): Repair => ({ ...one, dialect, amount: null, isLasting: true }));

    test("any body: an edit never throws, is made once, and is written over the bytes", () => {
      fc.assert(
        fc.property(body, repair, (value, one) => {
          const text = JSON.stringify(value);
          const before = JSON.parse(text) as JsonObject;
          const { body: after, changes } = repairBody(rules, before, [one]);
          expect(JSON.stringify(before)).toBe(text);
          expect(changes.length).toBe(after === before ? 0 : 1);
          expect(repairBody(rules, after, [one]).changes).toEqual([]);
          const written = Buffer.from(rewriteJson(Buffer.from(text), before, after)).toString();
          expect(JSON.parse(written)).toEqual(JSON.parse(JSON.stringify(after)));
        }),
      );
    });
  });
}

test("a word of JSON Schema is left out of schemas, and stays as the name of a property and in data", () => {
  const rules = DIALECTS.gemini.repairs;
  const word = { type: "string", examples: ["a"] };
  const schema = {
    examples: [1],
    properties: { examples: word, list: { items: word }, either: { anyOf: [word, { enum: ["examples"] }] } },
    default: { examples: 1 },
    required: ["examples"],
  };
  const left = {
    properties: {
      examples: { type: "string" },
      list: { items: { type: "string" } },
      either: { anyOf: [{ type: "string" }, { enum: ["examples"] }] },
    },
    default: { examples: 1 },
    required: ["examples"],
  };
  const bodyWith = (parameters: JsonObject) => ({ tools: [{ functionDeclarations: [{ parameters }] }] });
  const member = "tools.*.functionDeclarations.*.parameters.**.examples";
  const repair: Repair = { kind: "without", dialect: "gemini", member, amount: null, isLasting: true };
  expect(repairBody(rules, bodyWith(schema), [repair]).body).toEqual(bodyWith(left));
  expect(repairBody(rules, bodyWith(left), [repair]).changes).toEqual([]);
});

describe("a limit that was learned from another request", () => {
  const limited = (dialect: DialectName, body: JsonObject, isLasting = true) => {
    const { limits } = DIALECTS[dialect].repairs;
    const member = limits.answer[0].join(".");
    const repair: Repair = { kind: "limit-answer", dialect, member, amount: 100, isLasting };
    const { body: after, changes } = repairBody(DIALECTS[dialect].repairs, body, [repair]);
    return [after, ...changes.map(({ edit }) => edit.field)];
  };

  test("is set where this request has its limit", () => {
    expect(limited("openai-chat", { max_completion_tokens: 500 })).toEqual([
      { max_completion_tokens: 100 },
      "max_completion_tokens",
    ]);
    expect(limited("openai-chat", { max_completion_tokens: 50 })).toEqual([{ max_completion_tokens: 50 }]);
    expect(limited("openai-chat", { max_tokens: 500, max_completion_tokens: 500 })).toEqual([
      { max_tokens: 100, max_completion_tokens: 100 },
      "max_tokens",
    ]);
    for (const config of ["generationConfig", "generation_config"]) {
      for (const limit of ["maxOutputTokens", "max_output_tokens"]) {
        expect(limited("gemini", { [config]: { [limit]: 500 } })).toEqual([
          { [config]: { [limit]: 100 } },
          `${config}.${limit}`,
        ]);
        expect(limited("gemini", { [config]: { [limit]: 50 } })).toEqual([{ [config]: { [limit]: 50 } }]);
      }
    }
  });

  test("is not set where this request has none", () => {
    for (const dialect of Object.keys(DIALECTS) as DialectName[]) expect(limited(dialect, {})).toEqual([{}]);
    expect(limited("openai-chat", {}, false)).toEqual([{ max_tokens: 100 }, "max_tokens"]);
  });
});

/** The alternatives of a pattern outside all brackets. */
function alternativesOf(source: string): string[] {
  const parts = [""];
  let depth = 0;
  let isClass = false;
  for (let at = 0; at < source.length; at++) {
    const char = source[at] as string;
    if (char === "\\") {
      parts[parts.length - 1] += char + source[++at];
      continue;
    }
    if (char === "[") isClass = true;
    else if (char === "]") isClass = false;
    else if (!isClass && char === "(") depth++;
    else if (!isClass && char === ")") depth--;
    if (char === "|" && depth === 0 && !isClass) parts.push("");
    else parts[parts.length - 1] += char;
  }
  return parts;
}
