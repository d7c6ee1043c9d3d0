/** Model lists as the Gemini API gives them. */
import type { ModelEntry } from "../dialect.ts";
import { pageOf } from "../shared/model-page.ts";

const METHODS = ["generateContent", "streamGenerateContent", "countTokens"];

function entryOf(model: ModelEntry): object {
  return {
    name: `models/${model.id}`,
    version: "",
    displayName: model.id,
    supportedGenerationMethods: METHODS,
  };
}

/** `nextPageToken` is the id of the last entry, to come back as `after`. */
export function renderModels(models: readonly ModelEntry[], limit?: number, after?: string): string {
  const page = pageOf(models, limit, after);
  const nextPageToken = page.hasMore ? page.entries.at(-1)?.id : undefined;
  return JSON.stringify({ models: page.entries.map(entryOf), nextPageToken });
}

export function renderModel(model: ModelEntry): string {
  return JSON.stringify(entryOf(model));
}
