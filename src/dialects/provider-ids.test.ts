// Each place in which a request can name an object at a provider is found, and nothing else.
import { describe, expect, test } from "bun:test";
import { Buffer } from "node:buffer";
import fc from "fast-check";
import { DIALECTS } from "./index.ts";
import { peekRequest } from "./peek.ts";
import { mayNameObjects, providerIdsIn } from "./shared/provider-ids.ts";

const encode = (value: unknown): Uint8Array =>
  Buffer.from(typeof value === "string" ? value : JSON.stringify(value));

/** A value with `id` at the path; `*` is an element behind others. */
function at(path: readonly string[], id: string): unknown {
  const [part, ...rest] = path;
  if (part === undefined) return id;
  return part === "*" ? ["", {}, at(rest, id)] : { first: 1, [part]: at(rest, id), last: [{}] };
}

/** The form of ids of a kind, where it has one. */
const FORMS: Readonly<Record<string, string>> = { skill: "skill_1" };

describe.each(Object.values(DIALECTS).map((dialect) => [dialect.name, dialect.providerIds] as const))(
  "%s",
  (dialect, plan) => {
    /** Found by the peek, without which no place is looked at. */
    const foundIn = (body: Uint8Array) =>
      mayNameObjects(peekRequest(dialect, body).words, body) ? providerIdsIn(plan, body) : [];

    test.each([...plan.kinds])("%s names a %s", (path, kind) => {
      const id = FORMS[kind] ?? "id_1";
      const body = { model: "m", ...(at(path.split("."), id) as object), other: { id: "no" } };
      expect(foundIn(encode(body))).toEqual([{ kind, id, field: path }]);
      const spread = JSON.stringify(body, null, 2);
      expect(foundIn(encode(spread))).toEqual([{ kind, id, field: path }]);
    });

    test.each([...plan.kinds])("%s is found behind escapes", (path, kind) => {
      const id = FORMS[kind] ?? "id_1";
      const escaped = (text: string): string =>
        [...text].map((char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`).join("");
      const text = JSON.stringify(at(path.split("."), id));
      const names = path.split(".").filter((part) => part !== "*");
      const hidden = [...names, id].reduce(
        (left, name) => left.replaceAll(`"${name}"`, `"${escaped(name)}"`),
        text,
      );
      expect(foundIn(encode(hidden))).toEqual([{ kind, id, field: path }]);
    });

    test("what is no text, or empty, names nothing", () => {
      for (const [path] of plan.kinds)
        for (const value of ["", null, 7, true, {}, []])
          expect(providerIdsIn(plan, encode(at(path.split("."), value as string)))).toEqual([]);
    });

    test("any JSON is read without a fault", () => {
      fc.assert(
        fc.property(fc.jsonValue(), (value) => {
          expect(Array.isArray(providerIdsIn(plan, encode({ a: value })))).toBe(true);
        }),
        { numRuns: 200 },
      );
    });
  },
);

describe("items of Responses", () => {
  const { providerIds } = DIALECTS["openai-responses"];
  const idsOf = (...input: readonly object[]) =>
    providerIdsIn(providerIds, encode({ input }))?.map(({ id }) => id);

  test("are objects where the provider looks them up, whatever the order of their members", () => {
    expect(idsOf({ type: "item_reference", id: "a" }, { id: "b", type: "item_reference" })).toEqual([
      "a",
      "b",
    ]);
    expect(idsOf({ type: "reasoning", id: "a", summary: [] })).toEqual(["a"]);
    expect(idsOf({ encrypted_content: null, id: "a", type: "reasoning" })).toEqual(["a"]);
  });

  test("are none where they come along", () => {
    const message = { type: "message", id: "m", role: "user", content: "item_reference" };
    expect(idsOf(message, { type: "reasoning", id: "r", encrypted_content: "x" })).toEqual([]);
    expect(idsOf({ type: "reasoning", id: "r", encrypted_content: "x".repeat(100_000) })).toEqual([]);
    expect(idsOf(message, { type: "item_reference", id: "a" }, message)).toEqual(["a"]);
  });
});

test("own skills are objects of an account, the provider's are not", () => {
  const { providerIds } = DIALECTS["anthropic-messages"];
  const body = { container: { skills: [{ skill_id: "pptx" }, { skill_id: "skill_01" }] } };
  expect(providerIdsIn(providerIds, encode(body))?.map(({ id }) => id)).toEqual(["skill_01"]);
});

test("a file at a public address is no object, one of the Files API is", () => {
  const { providerIds } = DIALECTS.gemini;
  const uris = [
    "https://youtu.be/x",
    "gs://bucket/x",
    "files/a",
    "https://generativelanguage.googleapis.com/v1beta/files/b",
  ];
  const body = { contents: [{ parts: uris.map((fileUri) => ({ fileData: { fileUri } })) }] };
  expect(providerIdsIn(providerIds, encode(body))?.map(({ id }) => id)).toEqual(uris.slice(2));
});

test("more than a thousand are told as too many, wherever they stand", () => {
  const { providerIds } = DIALECTS["openai-responses"];
  const input = Array.from({ length: 1_001 }, (_, i) => ({ type: "item_reference", id: `a${i}` }));
  expect(providerIdsIn(providerIds, encode({ input }))).toBeNull();
  expect(providerIdsIn(providerIds, encode({ input: input.slice(1) }))?.length).toBe(1_000);
});
