/** The part of a Responses request on which its reply depends. */
import type { JsonObject } from "../../core/json.ts";
import { asObject } from "../../wire/json.ts";

export interface ResponsesReplyContext {
  /** Members of the request that its response repeats. */
  readonly members: JsonObject;
  /** The client searches its own tools: calls of `TOOL_SEARCH` are items of their own kind. */
  readonly searchesTools: boolean;
}

/** The function name of a client's own search of its tools. */
export const TOOL_SEARCH = "tool_search";

/** Members that a response repeats as the client gave them, and the value that the API shows without one. */
const REPEATED: readonly (readonly [name: string, otherwise: unknown])[] = [
  ["instructions", null],
  ["max_output_tokens", null],
  ["max_tool_calls", null],
  ["metadata", {}],
  ["parallel_tool_calls", true],
  ["prompt_cache_key", null],
  ["safety_identifier", null],
  ["temperature", null],
  ["tool_choice", "auto"],
  ["tools", []],
  ["top_logprobs", 0],
  ["top_p", null],
  ["truncation", "disabled"],
  ["user", null],
];

export function makeReplyContext(body: JsonObject, searchesTools: boolean): ResponsesReplyContext {
  const members: Record<string, unknown> = {};
  for (const [name, otherwise] of REPEATED) members[name] = body[name] ?? otherwise;
  const reasoning = asObject(body.reasoning);
  const effort = reasoning?.effort ?? null;
  members.reasoning = { effort, summary: reasoning?.summary ?? null };
  members.service_tier = body.service_tier ?? "default";
  members.text = { format: { type: "text" }, ...asObject(body.text) };
  return { members, searchesTools };
}

const NO_REQUEST = makeReplyContext({}, false);

/** The defaults of the API when the request was not decoded. */
export function replyContextOf(replyContext: unknown): ResponsesReplyContext {
  return asObject(asObject(replyContext)?.members) === null
    ? NO_REQUEST
    : (replyContext as ResponsesReplyContext);
}
