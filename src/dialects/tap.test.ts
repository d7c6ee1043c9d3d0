/** What holds for the taps of all dialects and framings. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { DialectName, Framing } from "./dialect.ts";
import { encode, everyByte, makeTap, readStream, runTap, stateOf } from "./fixtures/tap-under-test.ts";

const NAMES: readonly DialectName[] = ["openai-chat", "openai-responses", "anthropic-messages", "gemini"];
const BODIES: Readonly<Record<DialectName, string>> = {
  "openai-chat": `{"id":"x","choices":[{"message":{"content":"}\\" ]"},"finish_reason":"stop"}],"model":"m","usage":{"prompt_tokens":3,"completion_tokens":4}}\n`,
  "openai-responses": `{"id":"resp_1","object":"response","status":"completed","error":null,"model":"m","output":[],"usage":{"input_tokens":3,"output_tokens":4}}`,
  "anthropic-messages": `{"id":"msg_1","type":"message","model":"m","content":[{"type":"text","text":"é"}],"stop_reason":"end_turn","usage":{"input_tokens":3,"output_tokens":4}} `,
  gemini: `{"candidates":[{"content":{"parts":[{"text":"x"}]},"finishReason":"STOP"}],"usageMetadata":{"promptTokenCount":3,"candidatesTokenCount":4},"modelVersion":"m"}`,
};

/** The recorded stream, framed as a JSON array. */
function asArray(stream: string): string {
  const chunks = stream.split("\n\n").filter((frame) => frame.startsWith("data: "));
  return `[${chunks.map((frame) => frame.slice(6)).join("\n,\r\n")}\n]\n`;
}

const CASES: readonly [DialectName, Framing, string][] = [
  ...NAMES.map((name): [DialectName, Framing, string] => [name, "sse", readStream(name)]),
  ...NAMES.map((name): [DialectName, Framing, string] => [
    name,
    "sse",
    `\ufeff${readStream(name).replaceAll("\n", "\r\n")}`,
  ]),
  ...NAMES.map((name): [DialectName, Framing, string] => [
    name,
    "sse",
    readStream(name).replaceAll("\n", "\r"),
  ]),
  ...NAMES.map((name): [DialectName, Framing, string] => [name, "json", BODIES[name]]),
  ["gemini", "json-array", asArray(readStream("gemini"))],
];
const cuts = fc.array(fc.nat(3000), { maxLength: 12 });

describe.each(CASES)("%s as %s", (name, framing, reply) => {
  const whole = runTap(makeTap(name, framing), reply);

  test("H-1 bytes pass as they are, and the state is the same, however they are split", () => {
    const check = (at: readonly number[]): void => {
      const run = runTap(makeTap(name, framing), reply, at);
      expect(run.passed + run.held).toBe(reply);
      expect(run.state).toEqual(whole.state);
    };
    check(everyByte(reply));
    fc.assert(fc.property(cuts, check), { numRuns: 60 });
  });

  test("an answer is never whole for the client before it is known to be whole", () => {
    const run = runTap(makeTap(name, framing), reply, everyByte(reply));
    expect(run.held).not.toBe("");
    expect(runTap(makeTap(name, framing), run.passed).state.progress).toBe("open");
  });

  test("with any bound on what is held, the bytes stay and the usage is read", () => {
    fc.assert(
      fc.property(cuts, fc.integer({ min: 700, max: 3000 }), (at, maxHeldBytes) => {
        const run = runTap(makeTap(name, framing, { maxHeldBytes }), reply, at);
        expect(run.passed + run.held).toBe(reply);
        expect(run.state.usage).toEqual(whole.state.usage);
        expect(run.state.stopReason).toBe(whole.state.stopReason);
      }),
      { numRuns: 40 },
    );
  });

  test("H-8 a cut anywhere leaves whole frames, and is known as a cut or as a good end", () => {
    const bytes = encode(reply);
    for (let at = 0; at < bytes.length; at += 7) {
      const tap = makeTap(name, framing);
      const first = tap.push(bytes.slice(0, at))?.length ?? 0;
      const { progress } = tap;
      const rest = tap.cut()?.length ?? 0;
      expect(first + rest).toBeLessThanOrEqual(at);
      if (progress === "open") expect(rest).toBe(0);
      expect(tap.end()).toBeNull();
    }
  });

  test("garbage in its midst breaks neither the tap nor the bytes", () => {
    fc.assert(
      fc.property(fc.nat(reply.length), fc.uint8Array({ maxLength: 20 }), cuts, (at, noise, pieces) => {
        const bytes = new Uint8Array([...encode(reply.slice(0, at)), ...noise, ...encode(reply.slice(at))]);
        const tap = makeTap(name, framing);
        let size = 0;
        let from = 0;
        for (const cut of [...pieces, bytes.length].sort((a, b) => a - b)) {
          const to = Math.min(bytes.length, Math.max(from, cut));
          size += tap.push(bytes.slice(from, to))?.length ?? 0;
          from = to;
        }
        expect(size + (tap.end()?.length ?? 0)).toBe(bytes.length);
      }),
      { numRuns: 60 },
    );
  });
});

test.each(NAMES)("%s: values of any kind in the places that are read do no harm", (name) => {
  const keys = [
    "error",
    "usage",
    "choices",
    "delta",
    "finish_reason",
    "type",
    "message",
    "response",
    "candidates",
  ];
  const more = [
    "usageMetadata",
    "finishReason",
    "content",
    "parts",
    "promptFeedback",
    "iterations",
    "input_tokens",
  ];
  const value = fc.jsonValue({ maxDepth: 2 });
  const object = fc.dictionary(
    fc.constantFrom(...keys, ...more),
    fc.oneof(value, fc.dictionary(fc.constantFrom(...keys, ...more), value)),
  );
  const kinds = fc.constantFrom(
    "message_start",
    "message_delta",
    "error",
    "response.completed",
    "response.failed",
    "x",
  );
  fc.assert(
    fc.property(object, kinds, (data, type) => {
      const frame = `event: ${type}\ndata: ${JSON.stringify({ type, ...data })}\n\n`;
      const run = runTap(makeTap(name, "sse"), frame);
      expect(run.passed + run.held).toBe(frame);
      const body = runTap(makeTap(name, "json"), JSON.stringify(data));
      expect(body.held).toBe(JSON.stringify(data));
      if (name === "gemini") runTap(makeTap(name, "json-array"), JSON.stringify([data, data]));
    }),
    { numRuns: 300 },
  );
});

test("whole frames inside the answer pass as the very bytes that came", () => {
  const frames: Readonly<Record<Exclude<DialectName, "gemini">, string>> = {
    "openai-chat":
      'data: {"model":"m","choices":[{"delta":{"content":"a"},"finish_reason":null}],"usage":null}\n\n',
    "openai-responses": 'data: {"type":"response.output_text.delta","delta":"a"}\n\n',
    "anthropic-messages":
      'data: {"type":"content_block_delta","delta":{"type":"text_delta","text":"a"}}\r\n\r\n',
  };
  for (const [name, frame] of Object.entries(frames)) {
    const tap = makeTap(name as DialectName, "sse");
    for (const text of [frame, frame, frame.repeat(100)]) {
      const chunk = encode(text);
      expect(tap.push(chunk)).toBe(chunk);
    }
  }
});

test.each(NAMES)("H-6 %s: a frame of 3 MB passes as it comes, in linear time", (name) => {
  const frame = `data: {"x":"${"y".repeat(3_000_000)}"}\n\n`;
  const tap = makeTap(name, "sse", { maxHeldBytes: 100_000 });
  const bytes = encode(`${readStream(name).split("\n\n").slice(0, 2).join("\n\n")}\n\n${frame}`);
  let passed = 0;
  for (let from = 0; from < bytes.length; from += 1000) {
    passed += tap.push(bytes.slice(from, from + 1000))?.length ?? 0;
    expect(from + 1000 - passed).toBeLessThanOrEqual(101_000);
  }
  expect(tap.isBetweenFrames).toBe(true);
  expect(passed + (tap.end()?.length ?? 0)).toBe(bytes.length);
});

test.each(NAMES)("%s: memory stays bounded when an upstream goes on after the end of its answer", (name) => {
  const tap = makeTap(name, "sse", { maxHeldBytes: 10_000 });
  tap.push(encode(readStream(name)));
  for (let i = 0; i < 1000; i++) tap.push(encode(`: ${"x".repeat(1000)}\n\n`));
  expect(tap.progress).toBe("complete");
  expect(tap.end()?.length).toBeLessThan(20_000);
});

test.each(["id", "item"])("an %s that is longer than any provider's is not kept", (which) => {
  const long = "x".repeat(513);
  const body = (id: string) =>
    JSON.stringify({
      id: which === "id" ? id : "resp_1",
      object: "response",
      status: "completed",
      output: [{ type: "message", id: which === "item" ? id : "msg_1", role: "assistant", content: [] }],
    });
  const kept = (id: string) => {
    const { tap } = runTap(makeTap("openai-responses", "json"), body(id));
    return [...tap.stateIds, ...(tap.itemIds ?? [])];
  };
  expect(kept("short")).toContain("short");
  expect(kept(long).map((id) => id.length < 513)).toEqual([true]);
});

test.each(NAMES)("%s: an error object of any size fits the bound, and keeps what classifies it", (name) => {
  const error = {
    type: "overloaded_error",
    code: 529,
    message: "\u0001".repeat(9000),
    details: ["x".repeat(5000)],
  };
  const frame = `event: error\ndata: ${JSON.stringify({ type: "error", error })}\n\n`;
  const { state } = runTap(makeTap(name, "sse"), frame);
  expect(state.progress).toBe("failed");
  expect(encode(state.failure ?? "").length).toBeLessThanOrEqual(4096);
  expect(JSON.parse(state.failure ?? "")).toMatchObject({ type: "overloaded_error", code: 529 });
  const deep = `{"type":"error","error":${'{"a":'.repeat(8000)}1${"}".repeat(8000)}}`;
  expect(runTap(makeTap(name, "sse"), `event: error\ndata: ${deep}\n\n`).state.progress).toBe("failed");
});

test("H-4, H-41 pings and comments alone are no content", () => {
  for (const name of NAMES) {
    const tap = makeTap(name, "sse");
    expect(tap.push(encode(": ping\n\n"))).not.toBeNull();
    expect(stateOf(tap).hasContent).toBe(false);
  }
  const tap = makeTap("anthropic-messages", "sse");
  tap.push(encode('event: ping\ndata: {"type":"ping"}\n\n'));
  expect(tap.hasContent).toBe(false);
});
