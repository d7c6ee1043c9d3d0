/**
 * Good requests, replies and streams of every dialect that a run spoils: from the arbitraries, the recordings
 * and the simulator.
 */
import { Buffer } from "node:buffer";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { systemClock } from "../../src/core/clock.ts";
import { makeIds } from "../../src/core/ids.ts";
import type { DialectName, Framing } from "../../src/dialects/dialect.ts";
import {
  ALL_DIALECTS,
  common,
  type DialectUnderTest,
  encodeFor,
  STREAMS,
  streamOf,
  wholeOf,
} from "../../src/dialects/fixtures/dialects-under-test.ts";
import { COMPAT_WORDS, SCRIPT_WORDS } from "../../src/simulator/scenarios/words.ts";
import { startSimulator } from "../../src/simulator/server/simulator.ts";
import { modelEvents, modelReply, modelRequest } from "../kit/arbitraries.ts";
import { GEMINI_ARRAY, RECORDINGS, streamOf as recordedStream } from "../kit/recordings.ts";
import { FULL_ERRORS } from "../security/errors.ts";
import { FULL_REPLIES, STREAM_GROWTHS } from "../security/replies.ts";
import { FULL_BODIES } from "./bodies.ts";
import type { CaseKind } from "./cases.ts";

export interface Seed {
  readonly kind: CaseKind;
  readonly dialect: DialectName;
  readonly framing: Framing;
  readonly bytes: Uint8Array;
}

/** The number of seeds from the arbitraries, for each kind and dialect. */
const SAMPLES = 60;
const DIALECT_FOLDER = join(import.meta.dir, "../../src/dialects");
const ERRORS: readonly string[] = [
  '{"error":{"message":"m","type":"invalid_request_error","param":"messages[0]","code":"context_length_exceeded"}}',
  '{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"},"request_id":"req_1"}',
  '{"error":{"code":429,"message":"m","status":"RESOURCE_EXHAUSTED","details":[{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"9s"}]}}',
  '[{"error":{"code":400,"message":"m","status":"INVALID_ARGUMENT"}}]',
  '{"detail":"Not Found"}',
  "<html><body>502</body></html>",
];

/** All seeds; those from the arbitraries follow from `seed`. */
export async function makeSeeds(seed: number): Promise<readonly Seed[]> {
  return [...sampledSeeds(seed), ...recordedSeeds(), ...(await simulatedSeeds())];
}

const text = (value: unknown): Uint8Array => Buffer.from(JSON.stringify(value), "utf8");

function sampledSeeds(seed: number): Seed[] {
  const options = { seed, numRuns: SAMPLES };
  const seeds: Seed[] = [];
  const requests = fc.sample(modelRequest(), options);
  for (const dialect of ALL_DIALECTS) {
    const { name, maker } = dialect.codec;
    for (const [index, request] of requests.entries()) {
      const body = encodeFor(dialect, request, dialect.models[index % 2] ?? (dialect.models[0] as never));
      if (body !== null) seeds.push({ kind: "request", dialect: name, framing: "json", bytes: text(body) });
    }
    for (const reply of fc.sample(modelReply({ ...common(dialect), maker }), options))
      seeds.push({ kind: "reply", dialect: name, framing: "json", bytes: text(wholeOf(dialect, reply)) });
  }
  for (const { dialect, framing } of STREAMS) {
    const features = { ...common(dialect), maker: dialect.codec.maker };
    for (const events of fc.sample(modelEvents(features), options))
      seeds.push({
        kind: "stream",
        dialect: dialect.codec.name,
        framing,
        bytes: streamOf(dialect, events, framing),
      });
  }
  return seeds;
}

function recordedSeeds(): Seed[] {
  const seeds: Seed[] = [];
  for (const recording of RECORDINGS) {
    const framing: Framing = recording === GEMINI_ARRAY ? "json-array" : "sse";
    const { dialect } = recording;
    seeds.push({ kind: "stream", dialect, framing, bytes: recordedStream(recording) });
    seeds.push({ kind: "reply", dialect, framing: "json", bytes: Buffer.from(recording.whole) });
  }
  for (const { codec } of ALL_DIALECTS) {
    const dialect = codec.name;
    seeds.push({ kind: "request", dialect, framing: "json", bytes: text(FULL_BODIES[dialect]) });
    seeds.push({ kind: "reply", dialect, framing: "json", bytes: text(FULL_REPLIES[dialect]) });
    for (const { before, frame, after } of STREAM_GROWTHS[dialect]) {
      const bytes = Buffer.from([before, frame(1), frame(2), frame(3), after].join(""));
      seeds.push({ kind: "stream", dialect, framing: "sse", bytes });
    }
    for (const error of FULL_ERRORS)
      seeds.push({ kind: "error", dialect, framing: "json", bytes: text(error) });
    for (const error of ERRORS)
      seeds.push({ kind: "error", dialect, framing: "json", bytes: Buffer.from(error) });
    const folder = join(DIALECT_FOLDER, dialect, "fixtures");
    for (const file of readdirSync(folder).filter((each) => each.endsWith(".sse")))
      seeds.push({ kind: "stream", dialect, framing: "sse", bytes: readFileSync(join(folder, file)) });
  }
  return seeds;
}

/** Orders that together make the simulated model use everything that it can answer. */
export function wordsFor(dialect: DialectName): string[] {
  const script = Object.keys(SCRIPT_WORDS).filter(
    (word) => !["compat", "finish", "says", "cache-min"].includes(word),
  );
  const odd = Object.keys(COMPAT_WORDS[dialect]).map((word) => `compat=${word}`);
  return ["", ...script, "calls=3", "cites=document", ...odd, ...odd.map((word) => `${word},calls=2`)];
}

/** A request of the dialect for a model, with a tool and a question. */
export function askingFor(
  dialect: DialectName,
  model: string,
  isStream: boolean,
  isArray = false,
): { readonly path: string; readonly body: object } {
  const tool = { name: "weather", description: "W" };
  const schema = { type: "object", properties: { city: { type: "string" } }, required: ["city"] };
  const stream = isStream ? { stream: true } : {};
  switch (dialect) {
    case "openai-chat": {
      const tools = [{ type: "function", function: { ...tool, parameters: schema } }];
      const messages = [{ role: "user", content: "Hi" }];
      const body = {
        model,
        messages,
        tools,
        ...stream,
        ...(isStream ? { stream_options: { include_usage: true } } : {}),
      };
      return { path: "/v1/chat/completions", body };
    }
    case "openai-responses": {
      const tools = [{ type: "function", ...tool, parameters: schema, strict: false }];
      return { path: "/v1/responses", body: { model, input: "Hi", tools, ...stream } };
    }
    case "anthropic-messages": {
      const tools = [{ ...tool, input_schema: schema }];
      const messages = [{ role: "user", content: "Hi" }];
      return { path: "/v1/messages", body: { model, max_tokens: 4000, messages, tools, ...stream } };
    }
    case "gemini": {
      const method = isStream ? `streamGenerateContent${isArray ? "" : "?alt=sse"}` : "generateContent";
      const tools = [{ functionDeclarations: [{ ...tool, parametersJsonSchema: schema }] }];
      const contents = [{ role: "user", parts: [{ text: "Hi" }] }];
      return { path: `/v1beta/models/${encodeURIComponent(model)}:${method}`, body: { contents, tools } };
    }
  }
}

/** Models that the simulator knows. */
export const SIMULATED_MODELS: Readonly<Record<DialectName, string>> = {
  "openai-chat": "gpt-4.1",
  "openai-responses": "gpt-5.4",
  "anthropic-messages": "claude-sonnet-4-5",
  gemini: "gemini-3-flash",
};

async function simulatedSeeds(): Promise<Seed[]> {
  const simulator = await startSimulator({ clock: systemClock, ids: makeIds() });
  const seeds: Seed[] = [];
  const ask = async ({ codec }: DialectUnderTest, word: string, framing: Framing): Promise<void> => {
    const { name } = codec;
    const model = `${SIMULATED_MODELS[name]}${word === "" ? "" : `~${word}`}`;
    const { path, body } = askingFor(name, model, framing !== "json", framing === "json-array");
    const response = await fetch(`${simulator.url}${path}`, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        authorization: "Bearer sk-fuzz",
        "x-api-key": "sk-fuzz",
        "x-goog-api-key": "sk-fuzz",
        "anthropic-version": "2023-06-01",
      },
      body: JSON.stringify(body),
    });
    const kind = response.status !== 200 ? "error" : framing === "json" ? "reply" : "stream";
    seeds.push({ kind, dialect: name, framing, bytes: await response.bytes() });
  };
  try {
    for (const dialect of ALL_DIALECTS)
      for (const word of wordsFor(dialect.codec.name))
        for (const framing of ["json", ...dialect.framings] as const) await ask(dialect, word, framing);
  } finally {
    await simulator.close();
  }
  return seeds;
}
