/** Model lists as the Anthropic API gives them. */
import type { ModelEntry } from "../dialect.ts";
import { createdAtOf, pageOf } from "../shared/model-page.ts";

function entryOf(model: ModelEntry): object {
  return {
    type: "model",
    id: model.id,
    display_name: model.id,
    created_at: new Date(createdAtOf(model) * 1000).toISOString().replace(".000Z", "Z"),
  };
}

export function renderModels(models: readonly ModelEntry[], limit?: number, after?: string): string {
  const page = pageOf(models, limit, after);
  return JSON.stringify({
    data: page.entries.map(entryOf),
    has_more: page.hasMore,
    first_id: page.entries[0]?.id ?? null,
    last_id: page.entries.at(-1)?.id ?? null,
  });
}

export function renderModel(model: ModelEntry): string {
  return JSON.stringify(entryOf(model));
}
