/** How each family lists its models: where, and how the answer is read. */
import type { FamilyName } from "./family.ts";

export interface ListedModel {
  readonly id: string;
  /** Unix seconds, 0 when the provider does not say. */
  readonly createdAtS: number;
}

/** Path and query of the list, as long a page as the provider gives. */
export const MODEL_LIST_PATHS: Readonly<Record<FamilyName, { path: string; search: string }>> = {
  anthropic: { path: "/v1/models", search: "?limit=1000" },
  gemini: { path: "/v1beta/models", search: "?pageSize=1000" },
  openai: { path: "/v1/models", search: "" },
};

const MAX_MODELS = 5_000;

/** Reads a list; entries that are not understood are left out, a body that is no list gives none. */
export function parseModelList(text: string): readonly ListedModel[] {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    return [];
  }
  if (typeof body !== "object" || body === null) return [];
  const { data, models } = body as { data?: unknown; models?: unknown };
  const entries = Array.isArray(data) ? data : Array.isArray(models) ? models : [];
  return entries.slice(0, MAX_MODELS).flatMap(readEntry);
}

function readEntry(entry: unknown): ListedModel[] {
  if (typeof entry !== "object" || entry === null) return [];
  const { id, name, created, created_at } = entry as Record<string, unknown>;
  const text = typeof id === "string" ? id : typeof name === "string" ? name.replace(/^models\//, "") : "";
  if (text === "") return [];
  const at =
    typeof created === "number"
      ? created
      : typeof created_at === "string"
        ? Date.parse(created_at) / 1_000
        : 0;
  return [{ id: text, createdAtS: Number.isFinite(at) && at > 0 ? Math.floor(at) : 0 }];
}
