/**
 * What the gateway must know of a request before it decides, read without building the body: which model, whether it
 * streams, which state of the provider it names, and where the bytes stand that a relay may have to change.
 */
import { Buffer } from "node:buffer";
import { GatewayError } from "../core/errors.ts";
import { decodeUtf8 } from "../wire/bytes.ts";
import { JsonScanner, type JsonSink, MAX_DEPTH } from "../wire/json-scan.ts";
import { compileShape, type JsonShape, type ShapeNode } from "../wire/json-shape.ts";
import { type SpliceEdit, splice } from "../wire/json-splice.ts";
import type { DialectName } from "./dialect.ts";

/** A range of the body's bytes; `end` is exclusive. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/** What a request's body says at its top level. Offsets are bytes of the body. */
export interface Peek {
  /** Null when there is none, and for Gemini, whose paths name the model. */
  readonly model: string | null;
  /** The model's string token, quotes included; -1 when there is none. */
  readonly modelStart: number;
  readonly modelEnd: number;
  readonly stream: boolean;
  /** openai-chat: `stream_options.include_usage`; null when not given. */
  readonly includeUsage: boolean | null;
  /** openai-chat: the value of `stream_options`, whatever it is. */
  readonly streamOptions: ByteRange | null;
  /** Just after the root's opening brace. */
  readonly insertAt: number;
  readonly isEmptyObject: boolean;
  /** Id of state that lives at a provider under the credential that made it, and the field that names it. */
  readonly stateId: string | null;
  readonly stateField: string | null;
  /** openai-chat: functions together with an effort other than `none`, which some models take on Responses only. */
  readonly reasonsWithTools: boolean;
  /** anthropic-messages: the reply's id will be state of the provider, because the request holds a thread. */
  readonly keepsReplyId: boolean;
}

const SHAPES: Readonly<Record<DialectName, JsonShape>> = {
  "openai-chat": {
    model: true,
    stream: true,
    stream_options: { include_usage: true },
    reasoning_effort: true,
    tools: true,
  },
  "openai-responses": {
    model: true,
    stream: true,
    previous_response_id: true,
    conversation: { id: true },
  },
  "anthropic-messages": {
    model: true,
    stream: true,
    container: { id: true },
    thread: { previous_message_id: true },
  },
  gemini: { cachedContent: true, cached_content: true },
};

const NODES = {
  "openai-chat": compileShape(SHAPES["openai-chat"]),
  "openai-responses": compileShape(SHAPES["openai-responses"]),
  "anthropic-messages": compileShape(SHAPES["anthropic-messages"]),
  gemini: compileShape(SHAPES.gemini),
} satisfies Record<DialectName, ShapeNode>;

const USAGE_NODE = compileShape({ include_usage: true });

class PeekSink implements JsonSink, Peek {
  model: string | null = null;
  modelStart = -1;
  modelEnd = -1;
  stream = false;
  includeUsage: boolean | null = null;
  streamOptions: ByteRange | null = null;
  insertAt = -1;
  isEmptyObject = true;
  stateId: string | null = null;
  stateField: string | null = null;
  keepsReplyId = false;
  #reasons = false;
  #hasTools = false;
  #optionsStart = -1;

  get reasonsWithTools(): boolean {
    return this.#reasons && this.#hasTools;
  }

  open(node: ShapeNode, start: number): void {
    if (node.path === "") this.insertAt = start + 1;
    else if (node.path === "stream_options") this.#optionsStart = start;
    else if (node.path === "thread") this.keepsReplyId = true;
  }

  close(node: ShapeNode, end: number): void {
    if (node.path === "stream_options") this.streamOptions = { start: this.#optionsStart, end };
  }

  value(
    node: ShapeNode,
    start: number,
    end: number,
    bytes: Uint8Array | null,
    from: number,
    to: number,
  ): void {
    switch (node.path) {
      case "model":
        this.#takeModel(start, end, bytes, from, to);
        break;
      case "stream":
        this.stream = readFlag(bytes, from, to, start) ?? false;
        break;
      case "stream_options":
        this.streamOptions = { start, end };
        break;
      case "reasoning_effort": {
        const effort = bytes === null ? null : parseString(decodeUtf8(bytes, from, to));
        this.#reasons = effort !== null && effort !== "none";
        break;
      }
      case "tools":
        this.#hasTools = end - start > 2;
        break;
      case "stream_options.include_usage":
        this.includeUsage = bytes === null ? null : asFlag(decodeUtf8(bytes, from, to));
        break;
      default: {
        const id = bytes === null ? null : parseString(decodeUtf8(bytes, from, to));
        if (id === null || id === "") return;
        this.stateId = id;
        this.stateField = node.path;
      }
    }
  }

  #takeModel(start: number, end: number, bytes: Uint8Array | null, from: number, to: number): void {
    if (this.modelStart !== -1) {
      throw new GatewayError(
        "bad_request",
        `"model" is given twice (at byte ${this.modelStart} and byte ${start}); give it once.`,
        { param: "model" },
      );
    }
    const model = bytes === null ? null : parseString(decodeUtf8(bytes, from, to));
    if (model === null) {
      const fault = bytes === null ? "is too long" : "is not a string";
      throw new GatewayError(
        "bad_request",
        `"model" ${fault} (at byte ${start}); send the name of a model as a JSON string.`,
        { param: "model" },
      );
    }
    this.model = model;
    this.modelStart = start;
    this.modelEnd = end;
  }
}

function asFlag(text: string): boolean | null {
  return text === "true" ? true : text === "false" ? false : null;
}

function readFlag(bytes: Uint8Array | null, from: number, to: number, start: number): boolean | null {
  const text = bytes === null ? "" : decodeUtf8(bytes, from, to);
  const flag = asFlag(text);
  if (flag === null && text !== "null") {
    throw new GatewayError(
      "bad_request",
      `"stream" is not true or false (at byte ${start}); send a JSON boolean.`,
      { param: "stream" },
    );
  }
  return flag;
}

function parseString(text: string): string | null {
  if (text.charCodeAt(0) !== 0x22) return null;
  if (!text.includes("\\")) return text.slice(1, -1);
  try {
    return JSON.parse(text) as string;
  } catch {
    // A broken escape: not a string that any parser would take.
    return null;
  }
}

/**
 * Reads what a request says at its top level. Throws `bad_request` when the body is no JSON object, when `model` is not one
 * string, or when `stream` is no boolean. What it hops over is not judged; that is the upstream's part.
 */
export function peekRequest(dialect: DialectName, body: Uint8Array): Peek {
  const sink = new PeekSink();
  const scanner = new JsonScanner(NODES[dialect], sink);
  scanner.push(body);
  if (scanner.status !== "closed" || sink.insertAt === -1) throw notAnObject(scanner, sink, body);
  sink.isEmptyObject = isEmptyObject(body, sink.insertAt);
  return sink;
}

function isEmptyObject(body: Uint8Array, from: number): boolean {
  let at = from;
  while (body[at] === 0x20 || body[at] === 0x0a || body[at] === 0x0d || body[at] === 0x09) at++;
  return body[at] === 0x7d;
}

function notAnObject(scanner: JsonScanner, sink: PeekSink, body: Uint8Array): GatewayError {
  const repair = "send one JSON object.";
  if (body.length === 0) return new GatewayError("bad_request", `The request body is empty; ${repair}`);
  if (scanner.status === "open") {
    const fault = sink.insertAt === -1 ? "holds no JSON object" : "ends before its JSON object is closed";
    return new GatewayError(
      "bad_request",
      `The request body ${fault} (after byte ${body.length}); ${repair}`,
    );
  }
  if (scanner.status === "closed") {
    return new GatewayError("bad_request", `The request body is a JSON array; ${repair}`);
  }
  const at = scanner.invalidAt;
  if (scanner.fault === "too deep") {
    return new GatewayError(
      "bad_request",
      `The request body nests more than ${MAX_DEPTH} levels deep (at byte ${at}); flatten it.`,
    );
  }
  if (sink.insertAt === -1) {
    return new GatewayError(
      "bad_request",
      `The request body is not a JSON object (at byte ${at}); ${repair}`,
    );
  }
  const fault = scanner.fault === "trailing" ? "goes on after its JSON object" : "is not valid JSON";
  return new GatewayError("bad_request", `The request body ${fault} (at byte ${at}); ${repair}`);
}

/** The body with another model in place of the one that `peek` found; every other byte stays. */
export function withModel(body: Uint8Array, peek: Peek, model: string): Uint8Array {
  return rewriteRequest(body, peek, model, false);
}

/**
 * An openai-chat body that asks for usage in its stream; the body itself when it does already. Only the bytes of
 * `stream_options.include_usage` change, or are added.
 */
export function withUsageInjected(body: Uint8Array, peek: Peek): Uint8Array {
  return rewriteRequest(body, peek, null, true);
}

/**
 * Both rewrites of a relay in one copy: another model (null leaves it), and usage asked for. `peek` is of this very body,
 * not of one that was rewritten already. Returns the body itself when nothing has to change.
 */
export function rewriteRequest(
  body: Uint8Array,
  peek: Peek,
  model: string | null,
  injectUsage: boolean,
): Uint8Array {
  const edits = injectUsage && peek.includeUsage !== true ? usageEdits(body, peek) : [];
  if (model !== null && peek.modelStart !== -1 && model !== peek.model) {
    edits.push({
      start: peek.modelStart,
      end: peek.modelEnd,
      replacement: Buffer.from(JSON.stringify(model)),
    });
    edits.sort((a, b) => a.start - b.start);
  }
  return edits.length === 0 ? body : splice(body, edits);
}

function usageEdits(body: Uint8Array, peek: Peek): SpliceEdit[] {
  const options = peek.streamOptions;
  if (options === null) {
    const member = `"stream_options":{"include_usage":true}${peek.isEmptyObject ? "" : ","}`;
    return [{ start: peek.insertAt, end: peek.insertAt, replacement: Buffer.from(member) }];
  }
  if (body[options.start] === 0x7b) return optionEdits(body, options);
  // Anything else but null is the client's mistake, which the upstream tells it best.
  if (body[options.start] !== 0x6e) return [];
  return [{ start: options.start, end: options.end, replacement: Buffer.from('{"include_usage":true}') }];
}

/** Every `include_usage` in the object becomes true; without one it is put first. */
function optionEdits(body: Uint8Array, options: ByteRange): SpliceEdit[] {
  const edits: SpliceEdit[] = [];
  const object = body.subarray(options.start, options.end);
  const scanner = new JsonScanner(USAGE_NODE, {
    open() {},
    close() {},
    value(_node, start, end) {
      edits.push({
        start: options.start + start,
        end: options.start + end,
        replacement: Buffer.from("true"),
      });
    },
  });
  scanner.push(object);
  if (edits.length > 0) return edits;
  const start = options.start + 1;
  const member = `"include_usage":true${isEmptyObject(body, start) ? "" : ","}`;
  return [{ start, end: start, replacement: Buffer.from(member) }];
}
