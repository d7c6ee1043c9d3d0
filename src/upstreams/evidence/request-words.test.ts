import { describe, expect, test } from "bun:test";
import { Buffer } from "node:buffer";
import { MODEL_MARK, markWordsOfRequest, RequestWords, repeatsRequest, wording } from "./request-words.ts";

const MODEL = "maker/gpt-5";
const words = (body: unknown, ...others: string[]) =>
  new RequestWords(body === null ? null : Buffer.from(JSON.stringify(body)), others);

describe("the words of a request", () => {
  test.each([
    ["in capitals or not", { a: "Insufficient BALANCE" }, "insufficient balance"],
    ["escaped", { a: 'say "quota"\n\u0001now' }, 'say "quota"\n\u0001now'],
    ["beyond the basic plane", { a: "余额不足 🧶" }, "余额不足 🧶"],
  ])("%s", (_, body, text) => {
    expect(words(body).has(text)).toBe(true);
    expect(words(body).has("something else")).toBe(false);
  });

  test("escapes that JSON does not need are read too", () => {
    const body = Buffer.from('{"a":"\\u0069nsufficient\\u0020balance\\/x"}');
    expect(new RequestWords(body, []).has("insufficient balance/x")).toBe(true);
  });

  test("queries and headers count, with their escapes", () => {
    expect(words(null, "?beta=no%20quota+left").has("no quota left")).toBe(true);
    expect(words(null, "%zz", "files-api").has("files-api")).toBe(true);
    expect(words(null).has("x")).toBe(false);
  });

  test("a request that is too long to search may hold anything", () => {
    expect(new RequestWords(Buffer.alloc(2_000_001, "a"), []).has("quota")).toBe(true);
  });
});

describe("marks", () => {
  const mark = (message: string, body: unknown = {}, model = MODEL): string =>
    markWordsOfRequest(message, model, words(body).has)
      .replaceAll(MODEL_MARK, "<model>")
      .replaceAll("\uE001", "<quote>");

  test.each([
    [`The model \`${MODEL}\` does not exist`, "The model `<model>` does not exist"],
    [`模型${MODEL}不存在`, "模型<model>不存在"],
    [`model: ${MODEL}-mini`, `model: ${MODEL}-mini`],
    [`${MODEL.toUpperCase()} is not a valid model ID`, "<model> is not a valid model ID"],
    ["a message with \uE000 in it", "a message with   in it"],
  ])("the asked model's name: %s", (message, marked) => {
    expect(mark(message)).toBe(marked);
  });

  test("a name that is a word counts only after the word model", () => {
    expect(mark("Insufficient balance for model balance", {}, "balance")).toBe(
      "Insufficient balance for model <model>",
    );
  });

  test("quoted texts of the request, with quotes within them", () => {
    const body = { prompt: 'it\'s my "balance"' };
    expect(mark(`Blocked: 'it's my "balance"' is not allowed`, body)).toBe(
      "Blocked: '<quote>' is not allowed",
    );
    expect(mark("The consumer 'projects/1' has been suspended", body)).toBe(
      "The consumer 'projects/1' has been suspended",
    );
  });

  test("a message with very many quotes is cut", () => {
    expect(mark(`x ${"'a ".repeat(500)}`).length).toBeLessThan(1_000);
  });
});

test("words count as the provider's own when a quotation follows them, and as the client's when all is one text", () => {
  const message = "insufficient balance (request: '\uE001')";
  const original = "insufficient balance (request: 'insufficient balance')";
  const repeats = (body: unknown) =>
    repeatsRequest("insufficient balance", 0, { message, original, isOfRequest: words(body).has });
  expect(repeats({ a: "insufficient balance" })).toBe(false);
  expect(repeats({ a: original })).toBe(true);
  expect(repeats({ a: "hello" })).toBe(false);
});

test("a wording begins the message, in any case, and names the model with quotes or without", () => {
  const says = wording("no such model {model}|gone");
  for (const text of [`No such model ${MODEL_MARK}.`, `no such model \`${MODEL_MARK}\``, "GONE"])
    expect(says.test(text)).toBe(true);
  for (const text of ["no such model x", `it says: gone`]) expect(says.test(text)).toBe(false);
});
