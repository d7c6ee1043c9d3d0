// What the provider charges for, by caller: whole answers, answers that were cut, and what costs nothing.

import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { costNanoUsd, SIMULATED_PRICES } from "../answer/billed.ts";
import {
  DIALECTS,
  post,
  reset,
  type Sample,
  sample,
  startForTest,
} from "../fixtures/simulator-under-test.ts";
import { Bill, type BillLine, type BillView, markerIn } from "./bill.ts";
import type { Simulator } from "./simulator.ts";

let simulator: Simulator;
beforeAll(async () => {
  simulator = await startForTest();
});
beforeEach(() => reset(simulator));
afterAll(() => simulator.close());

const LONG = "All work and no play makes a long prompt. ".repeat(200);

/** The bill when no answer is under way. */
async function settled(): Promise<BillView> {
  for (;;) {
    const bill = simulator.bill();
    if (bill.open === 0) return bill;
    await Bun.sleep(2);
  }
}

async function onlyLine(): Promise<BillLine> {
  const { lines } = await settled();
  expect(lines).toHaveLength(1);
  return lines[0] as BillLine;
}

async function ask(request: Sample): Promise<string> {
  return await (await post(simulator, request)).text();
}

/** Reads a stream until a text comes, then leaves. */
async function leaveAt(request: Sample, mark: string): Promise<void> {
  const leaving = new AbortController();
  const { path, headers, body } = request;
  const init = { method: "POST", headers, body: JSON.stringify(body), signal: leaving.signal };
  const response = await fetch(simulator.url + path, init);
  const decoder = new TextDecoder();
  let text = "";
  for await (const bytes of response.body ?? []) {
    text += decoder.decode(bytes as Uint8Array, { stream: true });
    if (text.includes(mark)) break;
  }
  leaving.abort();
}

/** Input and output tokens as the dialect's whole answer reports them. */
function reported(dialect: (typeof DIALECTS)[number], text: string): readonly [number, number] {
  const reply = JSON.parse(text);
  const { usage, usageMetadata } = reply;
  if (dialect === "openai-chat") return [usage.prompt_tokens, usage.completion_tokens];
  if (dialect === "gemini")
    return [
      usageMetadata.promptTokenCount,
      usageMetadata.candidatesTokenCount + (usageMetadata.thoughtsTokenCount ?? 0),
    ];
  return [usage.input_tokens, usage.output_tokens];
}

describe("the bill", () => {
  test.each(DIALECTS)("of a whole answer is what the answer reports: %s", async (dialect) => {
    const text = await ask(sample(dialect));
    const line = await onlyLine();
    expect([line.input, line.output]).toEqual([...reported(dialect, text)]);
    expect(line).toMatchObject({ credential: "1234", marker: "", answers: 1, cut: 0, cacheRead: 0 });
    expect(line.nanoUsd).toBe(costNanoUsd(line.model, line));
    expect(line.nanoUsd).toBeGreaterThan(0);
  });

  test.each(DIALECTS)("of a stream is that of the same answer as a whole: %s", async (dialect) => {
    await ask(sample(dialect));
    const whole = await onlyLine();
    await reset(simulator);
    await ask(sample(dialect, { stream: true }));
    expect(await onlyLine()).toEqual(whole);
  });

  test.each(DIALECTS)(
    "of a stream whose reader left is of the part that was generated: %s",
    async (dialect) => {
      await ask(sample(dialect, { stream: true, fault: "count=100" }));
      const whole = await onlyLine();
      await reset(simulator);
      await leaveAt(sample(dialect, { stream: true, fault: "count=100,slow,ms=2" }), "word30 ");
      const line = await onlyLine();
      expect(line).toMatchObject({ answers: 1, cut: 1, input: whole.input });
      expect(line.output).toBeGreaterThanOrEqual(Math.ceil(whole.output * 0.3));
      expect(line.output).toBeLessThan(whole.output);
    },
  );

  test.each(DIALECTS)("of a stream that broke off is of the part before: %s", async (dialect) => {
    for (const fault of ["count=100,cut,after=40", "count=100,error-mid,after=40"]) {
      await reset(simulator);
      await ask(sample(dialect, { stream: true, fault })).catch(() => "cut");
      const line = await onlyLine();
      expect([fault, line.answers, line.cut]).toEqual([fault, 1, 1]);
      expect(line.output).toBeGreaterThan(0);
    }
  });

  test("counts an answer that nobody read, if it was generated as a whole", async () => {
    const request = sample("openai-chat", { fault: "stall,after=0" });
    const leaving = new AbortController();
    const init = { method: "POST", headers: request.headers, body: JSON.stringify(request.body) };
    await fetch(simulator.url + request.path, { ...init, signal: leaving.signal });
    leaving.abort();
    expect(await onlyLine()).toMatchObject({ answers: 1, cut: 0 });
  });

  test.each([
    ["a refusal", sample("openai-chat", { body: { messages: "none" } })],
    ["an error of the provider", sample("anthropic-messages", { fault: "overload" })],
    ["an answer that was never begun", sample("gemini", { fault: "cut,before-headers" })],
    ["a page of somebody else's", sample("openai-responses", { fault: "html" })],
    ["an answer that failed with a status", sample("openai-chat", { fault: "status=500" })],
    ["an empty stream", sample("openai-chat", { stream: true, fault: "empty" })],
    ["a failed stream", sample("openai-chat", { stream: true, fault: "status=503" })],
    ["a failure before the first word", sample("openai-chat", { stream: true, fault: "error-first" })],
    ["garbage for a stream", sample("openai-chat", { stream: true, fault: "garbage" })],
    [
      "a count of tokens",
      {
        ...sample("anthropic-messages", { body: { max_tokens: undefined } }),
        path: "/v1/messages/count_tokens",
      },
    ],
  ])("%s costs nothing", async (_, request) => {
    await ask(request).catch(() => "cut");
    expect((await settled()).lines).toEqual([]);
  });

  test("tells payers, credentials and models apart", async () => {
    const says = (content: string) => ({ messages: [{ role: "user", content }] });
    await ask(sample("openai-chat", { body: says("Hello [[bill alpha]]") }));
    await ask(sample("openai-chat", { body: says("Hello [[bill alpha]]") }));
    await ask(sample("openai-chat", { body: says("Hello [[bill beta-2.x]]") }));
    await ask(sample("openai-chat", { body: says("Hello [[bill alpha]]"), key: "sk-other-5678~slow,ms=1" }));
    await ask(sample("openai-chat", { body: says("Hello [[bill alpha]]"), model: "gpt-4.1~count=3" }));
    await ask(sample("openai-chat", { body: says("Hello [[bill alpha]]"), model: "gpt-5.4" }));
    const { lines, nanoUsd } = await settled();
    expect(lines.map((line) => [line.credential, line.marker, line.model, line.answers])).toEqual([
      ["1234", "alpha", "gpt-4.1", 3],
      ["1234", "beta-2.x", "gpt-4.1", 1],
      ["5678", "alpha", "gpt-4.1", 1],
      ["1234", "alpha", "gpt-5.4", 1],
    ]);
    expect(nanoUsd).toBe(lines.reduce((sum, line) => sum + line.nanoUsd, 0));
  });

  test("has every choice of an answer, its reasoning, its searches and its cached tokens", async () => {
    await ask(sample("openai-chat", { body: { n: 1 } }));
    const one = await onlyLine();
    await reset(simulator);
    await ask(sample("openai-chat", { body: { n: 3 } }));
    expect((await onlyLine()).output).toBe(one.output * 3);

    await reset(simulator);
    const generationConfig = { candidateCount: 2 };
    const text = await ask(sample("gemini", { body: { generationConfig } }));
    expect((await onlyLine()).output).toBe(reported("gemini", text)[1]);

    await reset(simulator);
    const blocks = [{ type: "text", text: LONG, cache_control: { type: "ephemeral" } }];
    const cached = sample("anthropic-messages", {
      model: "claude-sonnet-5",
      fault: "cites",
      body: { messages: [{ role: "user", content: blocks }] },
    });
    await ask(cached);
    const written = await onlyLine();
    expect(written.cacheWrite5m).toBeGreaterThan(1_000);
    expect(written.searches).toBe(1);
    await ask(cached);
    const both = await onlyLine();
    expect(both.cacheRead).toBe(written.cacheWrite5m);
    const prices = SIMULATED_PRICES["claude-sonnet-5"];
    expect(both.nanoUsd).toBe(
      both.input * (prices?.input ?? 0) +
        both.cacheRead * 300 +
        both.cacheWrite5m * 3_750 +
        both.output * 15_000 +
        20_000_000,
    );
  });

  test("has embeddings, and is there over HTTP", async () => {
    const body = { model: "text-embedding-3-small", input: "Hello [[bill vectors]]" };
    const { headers } = sample("openai-chat");
    const usage = JSON.parse(await ask({ path: "/v1/embeddings", headers, body })).usage;
    const bill = await (await fetch(`${simulator.url}/_simulator/bill`)).json();
    expect(bill).toEqual(simulator.bill());
    expect(bill).toMatchObject({
      open: 0,
      nanoUsd: usage.total_tokens * 20,
      lines: [{ marker: "vectors", input: usage.total_tokens, output: 0 }],
    });
  });
});

describe("the accounts", () => {
  const payer = { credential: "1234", marker: "alpha", model: "house-1" };
  const billed = { input: 10, cacheRead: 0, cacheWrite5m: 0, cacheWrite1h: 0, output: 7, searches: 0 };

  test("count what is under way, and round a part of an answer up", () => {
    const bill = new Bill();
    const close = bill.open(payer, billed);
    expect(bill.view()).toEqual({ open: 1, nanoUsd: 0, lines: [] });
    close({ events: 1 }, () => 3);
    expect(bill.view()).toMatchObject({ open: 0, lines: [{ input: 10, output: 3, cut: 1 }] });
    bill.open(payer, billed)({ events: 0 }, () => 0);
    expect(bill.view()).toMatchObject({ lines: [{ input: 20, output: 3, cut: 2, answers: 2 }] });
  });

  test("forget an answer that was under way at a reset", () => {
    const bill = new Bill();
    const close = bill.open(payer, billed);
    bill.clear();
    close("all", () => 0);
    expect(bill.view()).toEqual({ open: 0, nanoUsd: 0, lines: [] });
  });

  test("are bounded: no answer is lost above the bound", () => {
    const bill = new Bill();
    for (let index = 0; index < 100_010; index++)
      bill.open({ ...payer, marker: `m${index}` }, billed)("all", () => 0);
    const { lines, nanoUsd } = bill.view();
    expect(lines).toHaveLength(100_001);
    expect(lines.at(-1)).toMatchObject({ marker: "…", answers: 10 });
    expect(nanoUsd).toBe(100_010 * (10 * 70 + 7 * 280));
  });

  test("are named by the text", () => {
    expect(markerIn('{"content":"x [[bill key-1.a_b]] y [[bill other]]"}')).toBe("key-1.a_b");
    for (const text of ["", "[[bill ]]", "[[bill a b]]", `[[bill ${"x".repeat(65)}]]`, "[bill a]"])
      expect(markerIn(text)).toBe("");
  });
});
