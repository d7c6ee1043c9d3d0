/** Whether the answer to a Messages request may be given again. */
import type { JsonObject } from "../../core/json.ts";
import { firstSaid, hostedTool, memberWithin, numberIn, type RepeatFacts } from "../repeat.ts";

const OBSTACLES = ["container", "thread", "mcp_servers"] as const;
/** Anthropic defines these tools, and the client runs them. */
const CLIENT_TYPES = /^(?:custom$|bash_|text_editor_|computer_|memory_)/;

export function repeatFacts(body: JsonObject): RepeatFacts {
  return {
    temperature: numberIn(body, "temperature"),
    hasSeed: false,
    obstacle:
      firstSaid(body, OBSTACLES) ??
      hostedTool(
        body.tools,
        ({ type }) =>
          type === undefined || type === null || (typeof type === "string" && CLIENT_TYPES.test(type)),
      ) ??
      memberWithin(body.messages, ["file_id"]) ??
      memberWithin(body.system, ["file_id"]),
  };
}
