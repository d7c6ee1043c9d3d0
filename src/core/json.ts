/** The shape of a JSON object, for values of unknown origin. */

/** A JSON object as it was parsed. Keys like `__proto__` are data: never assign them onto a plain object. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** Whether the value is an object, and neither an array nor null. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
