/** The peek at a Chat request, and the edits that make its stream report usage. */
import { Buffer } from "node:buffer";
import { decodeUtf8 } from "../../wire/bytes.ts";
import { JsonScanner } from "../../wire/json-scan.ts";
import { compileShape, type ShapeNode } from "../../wire/json-shape.ts";
import type { SpliceEdit } from "../../wire/json-splice.ts";
import type { UsageOption } from "../dialect.ts";
import { prefixPlan } from "../shared/prefix-plan.ts";
import { GOES_ON_WITH, makeIdPlan, unknownToOpenai } from "../shared/provider-id-plan.ts";
import { MODEL_IN_OTHER_CASES, RequestPeek, readFlag, readString } from "../shared/request-peek.ts";

export const PEEK_SHAPE = compileShape({
  model: true,
  stream: true,
  stream_options: { include_usage: true },
  reasoning_effort: true,
  tools: true,
  tool_choice: true,
  messages: true,
  input: true,
  max_tokens: true,
  max_completion_tokens: true,
  n: true,
  service_tier: true,
  user: true,
  models: true,
  fallbacks: true,
  ...MODEL_IN_OTHER_CASES,
});

/** An audio answer is kept for a while, and a later turn may name it. */
export const PROVIDER_IDS = makeIdPlan(
  { ...GOES_ON_WITH, "messages.*.content.*.file.file_id": "file", "messages.*.audio.id": "audio" },
  unknownToOpenai,
);

/** A marked text is an array of one part, and marks may move: neither may count. */
export const PREFIX = prefixPlan({
  head: { tools: true, functions: true, response_format: true },
  turns: "messages",
  turn: {
    role: true,
    content: {
      "*": {
        text: true,
        refusal: true,
        image_url: true,
        input_audio: true,
        file: true,
        prompt_cache_breakpoint: { ttl: true },
      },
    },
    tool_calls: true,
    function_call: true,
    tool_call_id: true,
    reasoning_content: true,
  },
  others: { prompt_cache_key: true, prompt_cache_retention: true, prompt_cache_options: { ttl: true } },
});

const USAGE_NODE = compileShape({ include_usage: true });

export class ChatPeek extends RequestPeek {
  /** `stream_options.include_usage` is true. */
  includesUsage = false;
  /** The value of `stream_options`, whatever it is; -1 when there is none. */
  optionsStart = -1;
  optionsEnd = -1;
  hasInput = false;
  hasMessages = false;
  hasTools = false;
  /** Where the value of `tools` stands. */
  toolsStart = 0;
  toolsEnd = 0;
  /** The choice of a tool is an object that Chat does not have. */
  hasForeignChoice = false;
  #reasons = false;

  /** Functions together with an effort other than `none`. */
  get reasonsWithTools(): boolean {
    return this.#reasons && this.hasTools;
  }

  override open(node: ShapeNode, start: number): void {
    if (node.path === "stream_options") this.optionsStart = start;
    else super.open(node, start);
  }

  override close(node: ShapeNode, end: number): void {
    if (node.path === "stream_options") this.optionsEnd = end;
  }

  override value(
    node: ShapeNode,
    start: number,
    end: number,
    bytes: Uint8Array | null,
    from: number,
    to: number,
  ): void {
    switch (node.path) {
      case "stream_options":
        this.optionsStart = start;
        this.optionsEnd = end;
        break;
      case "stream_options.include_usage":
        this.includesUsage = readFlag(bytes, from, to) === true;
        break;
      case "reasoning_effort": {
        const effort = readString(bytes, from, to);
        this.#reasons = effort !== null && effort !== "none";
        break;
      }
      case "tools":
        this.hasTools = end - start > 2;
        this.toolsStart = start;
        this.toolsEnd = end;
        break;
      case "messages":
        this.hasMessages = true;
        break;
      case "input":
        this.hasInput = true;
        break;
      case "tool_choice":
        this.hasForeignChoice = isForeignChoice(bytes, from, to);
        break;
      default:
        super.value(node, start, end, bytes, from, to);
    }
  }
}

/** An object without a member that Chat's choices have. Longer ones name several tools in Chat's form. */
function isForeignChoice(bytes: Uint8Array | null, from: number, to: number): boolean {
  if (bytes === null || bytes[from] !== 0x7b) return false;
  return !/"(?:function|custom|allowed_tools)"\s*:/.test(decodeUtf8(bytes, from, to));
}

export const USAGE_OPTION: UsageOption = {
  member: "stream_options",
  isOff: (peek) => !(peek as ChatPeek).includesUsage,
  editsOn: (body, peek) => usageEdits(body, peek as ChatPeek),
};

function usageEdits(body: Uint8Array, peek: ChatPeek): readonly SpliceEdit[] {
  const { insertAt, optionsStart: start, optionsEnd: end } = peek;
  if (start === -1) {
    const member = `"stream_options":{"include_usage":true}${isEmptyObject(body, insertAt) ? "" : ","}`;
    return [{ start: insertAt, end: insertAt, replacement: Buffer.from(member) }];
  }
  if (body[start] === 0x7b) return optionEdits(body, start, end);
  // Anything else but null is the client's mistake, which the upstream reports best.
  if (body[start] !== 0x6e) return [];
  return [{ start, end, replacement: Buffer.from('{"include_usage":true}') }];
}

/** Every `include_usage` in the object becomes true; an object without one gets it as its first member. */
function optionEdits(body: Uint8Array, start: number, end: number): readonly SpliceEdit[] {
  const edits: SpliceEdit[] = [];
  const scanner = new JsonScanner(USAGE_NODE, {
    open() {},
    close() {},
    value(_node, from, to) {
      edits.push({ start: start + from, end: start + to, replacement: Buffer.from("true") });
    },
  });
  scanner.push(body.subarray(start, end));
  if (edits.length > 0) return edits;
  const member = `"include_usage":true${isEmptyObject(body, start + 1) ? "" : ","}`;
  return [{ start: start + 1, end: start + 1, replacement: Buffer.from(member) }];
}

/** Whether the object whose opening brace stands before `from` has no members. */
function isEmptyObject(body: Uint8Array, from: number): boolean {
  let at = from;
  while (body[at] === 0x20 || body[at] === 0x0a || body[at] === 0x0d || body[at] === 0x09) at++;
  return body[at] === 0x7d;
}
