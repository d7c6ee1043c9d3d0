// Reads JSON of unknown shape. Each function gives an empty value if the JSON has another type.

export type JsonRecord = Record<string, unknown>;

export function isRecord(value: unknown): value is JsonRecord {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function asRecord(value: unknown): JsonRecord {
  return isRecord(value) ? value : {};
}

export function asList(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

export function asString(value: unknown): string {
  return typeof value === "string" ? value : "";
}

/** The number; undefined for any other value. */
export function asNumber(value: unknown): number | undefined {
  return typeof value === "number" ? value : undefined;
}
