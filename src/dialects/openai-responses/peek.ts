/** The peek at a Responses request. */
import { decodeUtf8 } from "../../wire/bytes.ts";
import { compileShape, type ShapeNode } from "../../wire/json-shape.ts";
import { prefixPlan } from "../shared/prefix-plan.ts";
import { GOES_ON_WITH, makeIdPlan, unknownToOpenai } from "../shared/provider-id-plan.ts";
import { MODEL_IN_OTHER_CASES, RequestPeek } from "../shared/request-peek.ts";

export const PEEK_SHAPE = compileShape({
  model: true,
  stream: true,
  previous_response_id: true,
  conversation: { id: true },
  max_output_tokens: true,
  service_tier: true,
  background: true,
  user: true,
  models: true,
  fallbacks: true,
  input: true,
  tools: true,
  // Members of Chat.
  messages: true,
  max_tokens: true,
  max_completion_tokens: true,
  response_format: true,
  reasoning_effort: true,
  verbosity: true,
  tool_choice: true,
  ...MODEL_IN_OTHER_CASES,
});

/** Items are stored objects too: the provider looks up what a request only refers to. */
export const PROVIDER_IDS = makeIdPlan(
  {
    ...GOES_ON_WITH,
    "prompt_cache_options.comparison_response_id": "response",
    "prompt.id": "prompt",
    "input.*.content.*.file_id": "file",
    "input.*.output.*.file_id": "file",
    "tools.*.container.file_ids.*": "file",
    "tools.*.environment.file_ids.*": "file",
    "tools.*.environment.skills.*.skill_id": "skill",
    "tools.*.vector_store_ids.*": "vector store",
    "tools.*.connector_id": "connector",
    "tools.*.input_image_mask.file_id": "file",
  },
  unknownToOpenai,
  "input.*",
);

/** Ids and states of items are no part of the prompt, and some clients leave them out of later requests. */
export const PREFIX = prefixPlan({
  head: { tools: true, instructions: true, text: { format: true } },
  turns: "input",
  turn: {
    role: true,
    content: {
      "*": {
        text: true,
        refusal: true,
        image_url: true,
        file_id: true,
        file_data: true,
        file_url: true,
        prompt_cache_breakpoint: { ttl: true },
      },
    },
    type: true,
    call_id: true,
    name: true,
    arguments: true,
    input: true,
    action: true,
    output: true,
    encrypted_content: true,
  },
  others: { prompt_cache_key: true, prompt_cache_retention: true, prompt_cache_options: { ttl: true } },
});

export class ResponsesPeek extends RequestPeek {
  /** Where the values stand; -1: the request has none. */
  inputStart = -1;
  inputEnd = -1;
  toolsStart = -1;
  toolsEnd = -1;
  messagesStart = -1;
  /** A member, or a choice of a tool, that only Chat and Claude have. */
  hasChatMember = false;

  override value(
    node: ShapeNode,
    start: number,
    end: number,
    bytes: Uint8Array | null,
    from: number,
    to: number,
  ): void {
    switch (node.path) {
      case "input":
        this.inputStart = start;
        this.inputEnd = end;
        break;
      case "tools":
        this.toolsStart = start;
        this.toolsEnd = end;
        break;
      case "messages":
        this.messagesStart = start;
        break;
      case "response_format":
      case "reasoning_effort":
      case "verbosity":
        this.hasChatMember = true;
        break;
      case "max_tokens":
      case "max_completion_tokens":
        this.hasChatMember = true;
        super.value(node, start, end, bytes, from, to);
        break;
      case "tool_choice":
        this.hasChatMember ||= isForeignChoice(bytes, from, to);
        break;
      default:
        super.value(node, start, end, bytes, from, to);
    }
  }
}

/** An object that nests what it chooses, or that is a bare word of Claude's. */
function isForeignChoice(bytes: Uint8Array | null, from: number, to: number): boolean {
  if (bytes === null || bytes[from] !== 0x7b) return false;
  const text = decodeUtf8(bytes, from, to);
  return /"(?:function|custom|allowed_tools)"\s*:|"type"\s*:\s*"(?:auto|none|required|any|tool)"/.test(text);
}
