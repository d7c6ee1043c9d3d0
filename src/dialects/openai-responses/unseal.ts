/** Takes sealed reasoning out of a request. */
import type { JsonObject } from "../../core/json.ts";
import { asObject, asString } from "../../wire/json.ts";

/**
 * The body without sealed reasoning; null: it holds none. Calls lose their ids, which would ask for that
 * reasoning.
 */
export function withoutSeals(body: JsonObject): JsonObject | null {
  const { input } = body;
  if (!Array.isArray(input) || !input.some(isSealed)) return null;
  const kept = input
    .filter((item) => !isSealed(item))
    .map((item) => {
      const object = asObject(item);
      const isCall = object?.type === "function_call" || object?.type === "custom_tool_call";
      if (object === null || !isCall || object.id === undefined) return item;
      return Object.fromEntries(Object.entries(object).filter(([name]) => name !== "id"));
    });
  return Object.fromEntries(
    Object.entries(body).map(([name, value]) => [name, name === "input" ? kept : value]),
  );
}

function isSealed(value: unknown): boolean {
  const item = asObject(value);
  return item?.type === "reasoning" && asString(item.encrypted_content) !== null;
}
