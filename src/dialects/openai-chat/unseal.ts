/** Takes sealed reasoning out of a request. */
import type { JsonObject } from "../../core/json.ts";
import { asArray, asObject } from "../../wire/json.ts";
import { SEALED_MEMBERS } from "./reasoning-members.ts";

/** The body without signed or encrypted reasoning, and without Google's signatures of calls; null: it has none. */
export function withoutSeals(body: JsonObject): JsonObject | null {
  let isChanged = false;
  const bare = (object: JsonObject): JsonObject => {
    if (!SEALED_MEMBERS.some((name) => Object.hasOwn(object, name))) return object;
    isChanged = true;
    return Object.fromEntries(Object.entries(object).filter(([name]) => !SEALED_MEMBERS.includes(name)));
  };
  const messages = asArray(body.messages).map((raw) => {
    const message = asObject(raw);
    if (message?.role !== "assistant") return raw;
    const rest = bare(message);
    const calls = asArray(rest.tool_calls);
    const bareCalls = calls.map((call) => bare(asObject(call) ?? {}));
    return bareCalls.every((call, n) => call === calls[n]) ? rest : { ...rest, tool_calls: bareCalls };
  });
  return isChanged ? { ...body, messages } : null;
}
