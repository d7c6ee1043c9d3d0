/** A46: a long request in foreign words is rewritten in steps, with other requests served in between; the longest is not. */
import { expect, test } from "bun:test";
import { Buffer } from "node:buffer";
import { makeRoute } from "../../src/dialects/endpoint.ts";
import { type BookRequest, peekByTheBook } from "../../src/dialects/foreign-forms.ts";
import { longestTurnMs } from "./turns.ts";

const MEGABYTE = 1024 * 1024;
const LIMIT_BYTES = 16 * MEGABYTE;
const TRIES = 3;
const ROUTE = makeRoute("chat.completions", "/v1/chat/completions");

function responsesBody(bytes: number): Buffer {
  const turn = JSON.stringify([
    {
      role: "user",
      content: [{ type: "input_text", text: "What does this say?".padEnd(400, " lorem ipsum") }],
    },
    { type: "function_call", call_id: "call_N", name: "read", arguments: '{"path":"a/b.ts","from":1}' },
    { type: "function_call_output", call_id: "call_N", output: "export const a = 1;\n".repeat(60) },
  ]).slice(1, -1);
  const turns = Array.from({ length: Math.floor(bytes / turn.length) }, (_, n) =>
    turn.replaceAll("call_N", `call_${n}`),
  );
  return Buffer.from(`{"model":"m","input":[${turns.join(",")}]}`);
}

/** The CPU of the longest turn of the event loop while a body is rewritten, of the best of some tries. */
async function rewriteInTurns(body: Buffer): Promise<{ readonly ms: number; readonly book: BookRequest }> {
  let best = Number.POSITIVE_INFINITY;
  const books: BookRequest[] = [];
  for (let tried = 0; tried < TRIES; tried++) {
    const ms = await longestTurnMs(async () => {
      books.push(await peekByTheBook(ROUTE, body, LIMIT_BYTES));
    });
    best = Math.min(best, ms);
  }
  return { ms: best, book: books[0] as BookRequest };
}

test.each([
  [5 * MEGABYTE, 50],
  [LIMIT_BYTES * 0.98, 500],
])(
  "A46 %d bytes take no turn of more than %d ms of CPU",
  async (bytes, mostMs) => {
    const { ms, book } = await rewriteInTurns(responsesBody(bytes));
    expect(Buffer.from(book.body.subarray(0, 60)).toString()).toContain('"messages"');
    expect([ms < mostMs, ms]).toEqual([true, ms]);
  },
  60_000,
);

test("A46 a longer body goes on as the client wrote it", async () => {
  const body = responsesBody(LIMIT_BYTES * 1.1);
  const { ms, book } = await rewriteInTurns(body);
  expect(book.body).toBe(body);
  expect(ms).toBeLessThan(500);
}, 60_000);
