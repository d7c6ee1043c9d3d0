/** The peek at a Messages request. */
import { Buffer } from "node:buffer";
import { GatewayError } from "../../core/errors.ts";
import { decodeUtf8 } from "../../wire/bytes.ts";
import { compileShape, type ShapeNode } from "../../wire/json-shape.ts";
import { prefixPlan } from "../shared/prefix-plan.ts";
import { capitalized, GOES_ON_WITH, makeIdPlan } from "../shared/provider-id-plan.ts";
import { MODEL_IN_OTHER_CASES, RequestPeek } from "../shared/request-peek.ts";
import { ATTRIBUTION } from "./wire.ts";

export const PEEK_SHAPE = compileShape({
  model: true,
  anthropic_version: true,
  stream: true,
  container: { id: true },
  thread: { previous_message_id: true },
  max_tokens: true,
  metadata: { user_id: true },
  service_tier: true,
  speed: true,
  inference_geo: true,
  models: true,
  fallbacks: true,
  messages: true,
  tools: true,
  // Members of Chat and Responses.
  max_completion_tokens: true,
  max_output_tokens: true,
  stop: true,
  tool_choice: true,
  parallel_tool_calls: true,
  ...MODEL_IN_OTHER_CASES,
});

export const PROVIDER_IDS = makeIdPlan(
  {
    ...GOES_ON_WITH,
    "container.skills.*.skill_id": "skill",
    "thread.previous_message_id": "thread",
    "system.*.source.file_id": "file",
    "messages.*.content.*.source.file_id": "file",
    // An upload into the container.
    "messages.*.content.*.file_id": "file",
    "messages.*.content.*.content.*.source.file_id": "file",
  },
  ({ kind, id }) => new GatewayError("state_not_found", `${capitalized(kind)} not found: ${id}`),
);

const ATTRIBUTION_BYTES = Buffer.from(`"${ATTRIBUTION}`);

function isAttribution(bytes: Uint8Array, from: number): boolean {
  return ATTRIBUTION_BYTES.every((byte, at) => bytes[from + at] === byte);
}

/** What the model reads of a tool. */
const TOOL_MEMBERS = { type: true, name: true, description: true, input_schema: true } as const;
const MARK = { ttl: true } as const;
const NESTED = { text: true, source: true, cache_control: MARK } as const;

/**
 * Marks move to later turns as a conversation grows, and a marked text is an array of one block: neither may count. The
 * line on who is billed differs in each request, and the provider takes it out.
 */
export const PREFIX = prefixPlan({
  head: {
    tools: { "*": { ...TOOL_MEMBERS, cache_control: MARK } },
    system: { "*": { text: true, cache_control: MARK } },
  },
  turns: "messages",
  turn: {
    role: true,
    content: {
      "*": {
        text: true,
        id: true,
        name: true,
        input: true,
        tool_use_id: true,
        content: { "*": NESTED },
        source: true,
        thinking: true,
        signature: true,
        data: true,
        cache_control: MARK,
      },
    },
  },
  others: { cache_control: MARK },
  isOutside: isAttribution,
});

export class MessagesPeek extends RequestPeek {
  /** Where the value of `anthropic_version` stands, which only bodies for clouds have; null: there is none. */
  version: { readonly start: number; readonly end: number } | null = null;
  /**
   * The request holds a thread, which continues from the reply's id: that id will be state of the provider.
   */
  keepsReplyId = false;
  /** Where the values stand; -1: the request has none. */
  messagesStart = -1;
  messagesEnd = -1;
  toolsStart = -1;
  toolsEnd = -1;
  /** A member, or a choice of a tool, that Chat and Responses have. */
  hasChatMember = false;

  override open(node: ShapeNode, start: number): void {
    if (node.path === "thread") this.keepsReplyId = true;
    else super.open(node, start);
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
      case "anthropic_version":
        this.version ??= { start, end };
        break;
      case "messages":
        this.messagesStart = start;
        this.messagesEnd = end;
        break;
      case "tools":
        this.toolsStart = start;
        this.toolsEnd = end;
        break;
      case "stop":
      case "parallel_tool_calls":
        this.hasChatMember = true;
        break;
      case "max_completion_tokens":
      case "max_output_tokens":
        this.hasChatMember = true;
        super.value(node, start, end, bytes, from, to);
        break;
      case "tool_choice":
        this.hasChatMember ||= bytes !== null && isForeignChoice(bytes, from, to);
        break;
      default:
        super.value(node, start, end, bytes, from, to);
    }
  }
}

/** A bare word, or an object that names a function. */
function isForeignChoice(bytes: Uint8Array, from: number, to: number): boolean {
  if (bytes[from] !== 0x7b) return bytes[from] === 0x22;
  return /"type"\s*:\s*"(?:function|required)"/.test(decodeUtf8(bytes, from, to));
}
