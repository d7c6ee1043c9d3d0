/** The shape of a JSON object, for values of unknown origin. */

export type JsonObject = Readonly<Record<string, unknown>>;

/** Whether the value is an object, and neither an array nor null. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
