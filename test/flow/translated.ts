/** The twelve ways from a client of one dialect to an upstream of another, for tests over a socket. */
import { type Gateway, KEYS_TOML, upstreamToml } from "../kit/gateway.ts";
import { type RawReply, request } from "../kit/raw-client.ts";
import {
  CHAT,
  type DialectName,
  GEMINI,
  GEMINI_ARRAY,
  MESSAGES,
  RESPONSES,
  type Recording,
} from "../kit/recordings.ts";

/** The text of every recording. */
export const TEXT = "The clew leads — durch das Labyrinth, 迷路を抜ける 🧶.";

interface UpstreamKind {
  readonly family: "anthropic" | "gemini" | "openai";
  readonly lines: string;
  readonly recording: Recording;
  /** A model of that upstream, as clients name it: the upstream is called by its dialect. */
  readonly model: string;
}

/** Each dialect as an upstream that speaks nothing else. */
export const UPSTREAMS: Readonly<Record<DialectName, UpstreamKind>> = {
  "openai-chat": {
    family: "openai",
    lines: 'dialects = ["openai-chat"]',
    recording: CHAT,
    model: "openai-chat/qwen3-32b",
  },
  "openai-responses": {
    family: "openai",
    lines: 'dialects = ["openai-responses"]',
    recording: RESPONSES,
    model: "openai-responses/gpt-5.4",
  },
  "anthropic-messages": {
    family: "anthropic",
    lines: "",
    recording: MESSAGES,
    model: "anthropic-messages/claude-sonnet-4-6",
  },
  gemini: { family: "gemini", lines: "", recording: GEMINI, model: "gemini/gemini-3-flash" },
};

/** All upstreams at one URL; `lines` for each upstream, `credentials` in place of a single one. */
export function translatedToml(
  url: string,
  options: { lines?: string; credentials?: Readonly<Record<string, string>> } = {},
): string {
  const upstreams = Object.entries(UPSTREAMS).map(([name, { family, lines }]) =>
    upstreamToml(name, family, family === "openai" ? `${url}/v1` : url, {
      lines: `${lines}\n${options.lines ?? ""}`,
      ...(options.credentials === undefined ? {} : { credentials: options.credentials }),
    }),
  );
  return [KEYS_TOML, ...upstreams].join("\n");
}

/** One way. */
export interface Cell {
  /** `client → upstream`. */
  readonly name: string;
  readonly client: Recording;
  readonly upstream: Recording;
  readonly model: string;
}

function cellsOf(clients: readonly Recording[]): readonly Cell[] {
  return clients.flatMap((client) =>
    Object.values(UPSTREAMS)
      .filter(({ recording }) => recording.dialect !== client.dialect)
      .map(({ recording, model }) => ({
        name: `${client.name} → ${recording.dialect}`,
        client,
        upstream: recording,
        model,
      })),
  );
}

/** All twelve, by event streams. */
export const CELLS = cellsOf([CHAT, RESPONSES, MESSAGES, GEMINI]);
/** And with Gemini's JSON array. */
export const CELLS_AND_ARRAYS = [...CELLS, ...cellsOf([GEMINI_ARRAY])];

/** The cell from one dialect to another. */
export function cellOf(client: DialectName, upstream: DialectName): Cell {
  const found = CELLS.find((cell) => cell.client.dialect === client && cell.upstream.dialect === upstream);
  if (found === undefined) throw new Error(`${client} to ${upstream} is no translation`);
  return found;
}

/** The path and body of a request for a model; `more` are further members of the body. */
export function asking(
  client: Recording,
  model: string,
  isStream: boolean,
  more: object = {},
): { path: string; body: string } {
  const path = (isStream ? client.streamPath : client.wholePath).replace(client.model, model);
  const body: unknown = JSON.parse(client.body(isStream));
  const named = client.dialect === "gemini" ? {} : { model };
  return { path, body: JSON.stringify({ ...(body as object), ...named, ...more }) };
}

/** Asks through a cell, and reads to the end. */
export async function askCell(
  gateway: Gateway,
  cell: Pick<Cell, "client" | "model">,
  isStream: boolean,
  more: object = {},
): Promise<RawReply> {
  const { path, body } = asking(cell.client, cell.model, isStream, more);
  return await request(gateway.port, path, { body });
}

/** An answer as a client has read it. */
export interface Told {
  readonly text: string;
  /** The dialect's own mark of a good end has come. */
  readonly isEnded: boolean;
  /** Why it ended, in the dialect's words. */
  readonly finish: string | null;
  /** The dialect's error object, from the stream or the body. */
  readonly error: Readonly<Record<string, unknown>> | null;
  readonly inputTokens: number | null;
  readonly outputTokens: number | null;
  /** Every data frame. */
  readonly frames: readonly Frame[];
}

/** JSON as it was parsed; tests read single members of it. */
export type Frame = ReturnType<typeof JSON.parse>;

/** Reads a reply as strictly as the official SDKs; throws when the reply breaks the dialect. */
export function readTold(client: Recording, isStream: boolean, body: string): Told {
  const frames = isStream ? framesOf(client, body) : [JSON.parse(body) as Frame];
  switch (client.dialect) {
    case "openai-chat":
      return readChat(frames, isStream, body);
    case "openai-responses":
      return readResponses(frames, isStream);
    case "anthropic-messages":
      return readMessages(frames, isStream);
    case "gemini":
      return readGemini(frames);
  }
}

function framesOf(client: Recording, body: string): Frame[] {
  if (client.name.includes("array")) return JSON.parse(body) as Frame[];
  const frames: Frame[] = [];
  for (const block of body.split(/\n\n/)) {
    const lines = block.split("\n").filter((line) => line !== "");
    if (lines.length === 0 || lines.every((line) => line.startsWith(":"))) continue;
    const data = lines.filter((line) => line.startsWith("data: "));
    if (data.length !== 1) throw new Error(`no frame of one data line: ${block}`);
    const text = (data[0] as string).slice(6);
    if (text === "[DONE]") {
      if (client.dialect !== "openai-chat") throw new Error("[DONE] in a dialect that has none");
      continue;
    }
    const frame = JSON.parse(text) as Frame;
    const names = lines.filter((line) => line.startsWith("event: ")).map((line) => line.slice(7));
    const named = client.dialect === "anthropic-messages" || client.dialect === "openai-responses";
    if (named && (names.length !== 1 || names[0] !== frame.type))
      throw new Error(`an event without its name: ${block}`);
    if (!named && names.length > 0) throw new Error(`an event with a name: ${block}`);
    frames.push(frame);
  }
  return frames;
}

const number = (value: unknown): number | null => (typeof value === "number" ? value : null);

function readChat(frames: readonly Frame[], isStream: boolean, body: string): Told {
  let text = "";
  let finish: string | null = null;
  let usage: Frame = null;
  let error: Frame = null;
  for (const frame of frames) {
    error ??= frame.error ?? null;
    usage = frame.usage ?? usage;
    for (const choice of frame.choices ?? []) {
      text += (isStream ? choice.delta.content : choice.message.content) ?? "";
      finish = choice.finish_reason ?? finish;
    }
  }
  return {
    text,
    isEnded: finish !== null && (!isStream || (body.endsWith("data: [DONE]\n\n") && error === null)),
    finish,
    error,
    inputTokens: number(usage?.prompt_tokens),
    outputTokens: number(usage?.completion_tokens),
    frames,
  };
}

function readResponses(frames: readonly Frame[], isStream: boolean): Told {
  let text = "";
  let last: Frame = null;
  let error: Frame = null;
  for (const [i, frame] of isStream ? frames.entries() : []) {
    if (frame.sequence_number !== i) throw new Error(`sequence number ${frame.sequence_number} at ${i}`);
    if (frame.type === "response.output_text.delta") text += frame.delta;
    if (frame.type === "error") error ??= frame.error ?? frame;
    if (frame.type === "response.failed") error ??= frame.response.error;
    if (frame.type === "response.completed" || frame.type === "response.incomplete") last = frame.response;
  }
  if (!isStream) {
    last = frames[0];
    error = last.error ?? null;
    const parts: readonly Frame[] = (last.output ?? []).flatMap((item: Frame) => item.content ?? []);
    text = parts.map((part) => (part.type === "output_text" ? part.text : "")).join("");
  }
  return {
    text,
    isEnded: last !== null && error === null,
    finish: last?.incomplete_details?.reason ?? last?.status ?? null,
    error,
    inputTokens: number(last?.usage?.input_tokens),
    outputTokens: number(last?.usage?.output_tokens),
    frames,
  };
}

function readMessages(frames: readonly Frame[], isStream: boolean): Told {
  let text = "";
  let finish: string | null = null;
  let usage: Frame = {};
  let error: Frame = null;
  let isEnded = false;
  for (const frame of frames) {
    if (frame.type === "error") error = frame.error;
    if (frame.type === "message") {
      for (const block of frame.content) if (block.type === "text") text += block.text;
      finish = frame.stop_reason;
      usage = frame.usage;
      isEnded = true;
    }
    if (frame.type === "message_start") usage = { ...frame.message.usage };
    if (frame.delta?.type === "text_delta") text += frame.delta.text;
    if (frame.type === "message_delta") {
      finish = frame.delta.stop_reason;
      usage = { ...usage, ...frame.usage };
    }
    if (frame.type === "message_stop") isEnded = true;
  }
  if (isStream && frames.filter((frame) => frame.type === "message_start").length > 1)
    throw new Error("two starts");
  const cached = (usage.cache_read_input_tokens ?? 0) + (usage.cache_creation_input_tokens ?? 0);
  const input = number(usage.input_tokens);
  return {
    text,
    isEnded: isEnded && error === null,
    finish,
    error,
    inputTokens: input === null ? null : input + cached,
    outputTokens: number(usage.output_tokens),
    frames,
  };
}

function readGemini(frames: readonly Frame[]): Told {
  let text = "";
  let finish: string | null = null;
  let usage: Frame = null;
  let error: Frame = null;
  for (const frame of frames) {
    error ??= frame.error ?? null;
    usage = frame.usageMetadata ?? usage;
    for (const candidate of frame.candidates ?? []) {
      for (const part of candidate.content?.parts ?? []) if (part.thought !== true) text += part.text ?? "";
      finish = candidate.finishReason ?? finish;
    }
  }
  const output = number(usage?.candidatesTokenCount);
  return {
    text,
    isEnded: finish !== null && error === null,
    finish,
    error,
    inputTokens: number(usage?.promptTokenCount),
    outputTokens: output === null ? null : output + (usage.thoughtsTokenCount ?? 0),
    frames,
  };
}
