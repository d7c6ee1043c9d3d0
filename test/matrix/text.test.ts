// Plain questions: an answer in text, its end, and equal requests for equal questions.

import { describe, expect, test } from "bun:test";
import { model, type Told, user } from "./conversation.ts";
import {
  type Cell,
  CLIENTS,
  cells,
  matrix,
  modelOf,
  noWords,
  type Seen,
  testLedger,
  useStage,
} from "./matrix.ts";
import { echoOf } from "./samples.ts";

const stage = useStage();

const hello = () => ({ system: ["Be brief."], turns: [user("Hello, how are you? 🙂 東京")] });
const greeted = (cell: Cell): Seen => ({
  text: echoOf(cell, "Hello, how are you? 🙂 東京"),
  reasoning: "",
  calls: [],
  ending: "end",
  refusal: null,
  citations: [],
});

matrix("text", {
  asks: [hello],
  expected: {
    "openai-chat": greeted,
    "openai-responses": greeted,
    "anthropic-messages": greeted,
    gemini: greeted,
  },
});

const again = (cell: Cell): Seen => ({ text: echoOf(cell, "And now?"), ending: "end" });

matrix("a second turn", {
  asks: [
    hello,
    ([first]) => ({ ...hello(), turns: [...hello().turns, model(first as Told), user("And now?")] }),
  ],
  expected: {
    "openai-chat": again,
    "openai-responses": again,
    "anthropic-messages": again,
    gemini: again,
  },
});

const cut: Seen = { text: "One, two, three,", ending: "length", calls: [] };

matrix("H-59 length", {
  words: "length,says=One%2C two%2C three%2C four%2C five six",
  asks: [() => ({ turns: [user("Count.")], maxTokens: 500 })],
  expected: { "openai-chat": cut, "openai-responses": cut, "anthropic-messages": cut, gemini: cut },
});

/** Dialects that name the matched sequence. */
const stopped: Seen = { text: "Before. ", ending: "end", stopped: null };
const named: Seen = { text: "Before. ", ending: "stop-sequence", stopped: "HALT" };

matrix("H-65 stop sequence", {
  words: "says=Before. HALT After.",
  asks: [() => ({ turns: [user("Go on.")], stop: ["HALT", "###"] })],
  uncounted: ({ upstream }, form) =>
    upstream === "openai" && form === "stream" ? "the provider's stream is cut off before it says" : null,
  expected: {
    "openai-chat": stopped,
    "openai-responses": noWords("Responses has no stop sequences"),
    // Gemini and compatible servers do not name the matched sequence; OpenAI's Responses has no stop
    // sequences, so the gateway watches.
    "anthropic-messages": {
      anthropic: named,
      gemini: stopped,
      openai: named,
      compat: stopped,
    },
    gemini: stopped,
  },
});

describe("the stream of Gemini as one JSON array", () => {
  for (const cell of cells().filter(({ dialect }) => dialect === "gemini")) {
    test(`H-30 gemini to ${cell.upstream}`, async () => {
      const { path, ...request } = CLIENTS.gemini.write(hello(), modelOf(cell, {}), true);
      const answer = await stage().ask({ ...request, path: path.replace("?alt=sse", "") });
      expect(answer.headers.get("content-type")).toStartWith("application/json");
      const chunks = JSON.parse(answer.text) as unknown[];
      const told = CLIENTS.gemini.readStream(
        chunks.map((chunk) => `data: ${JSON.stringify(chunk)}\n\n`).join(""),
      );
      expect(told).toMatchObject(greeted(cell));
    });
  }
});

describe("the same conversation twice", () => {
  for (const cell of cells()) {
    test(`${cell.dialect} to ${cell.upstream}`, async () => {
      const request = CLIENTS[cell.dialect].write(hello(), modelOf(cell, {}), true);
      const [one, two] = [await stage().ask(request), await stage().ask(request)];
      expect(one.sent.map(({ body, path }) => [path, body])).toEqual(
        two.sent.map(({ body, path }) => [path, body]),
      );
    });
  }
});

testLedger();
