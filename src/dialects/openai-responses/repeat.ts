/** Whether the answer to a Responses request may be given again. */
import { isObject, type JsonObject } from "../../core/json.ts";
import { firstSaid, hostedTool, memberWithin, numberIn, type RepeatFacts } from "../repeat.ts";

const OBSTACLES = ["background", "previous_response_id", "conversation", "prompt"] as const;
const CLIENT_TOOLS: readonly unknown[] = ["function", "custom"];

export function repeatFacts(body: JsonObject): RepeatFacts {
  return {
    temperature: numberIn(body, "temperature"),
    hasSeed: numberIn(body, "seed") !== null,
    obstacle:
      // Absent is true: https://platform.openai.com/docs/api-reference/responses/create
      (body.store === false ? null : "store") ??
      firstSaid(body, OBSTACLES) ??
      hostedTool(body.tools, ({ type }) => CLIENT_TOOLS.includes(type)) ??
      memberWithin(body.input, ["file_id", "container_id"]) ??
      (hasReference(body.input) ? "input" : null),
  };
}

/** Items that the provider keeps. */
function hasReference(input: unknown): boolean {
  return Array.isArray(input) && input.some((item) => isObject(item) && item.type === "item_reference");
}
