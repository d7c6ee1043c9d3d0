/** The model list of the OpenAI API, which Chat Completions and the Responses API share. */
import type { ModelEntry } from "../dialect.ts";
import { createdAtOf, pageOf } from "./model-page.ts";

function entryOf(model: ModelEntry): object {
  return { id: model.id, object: "model", created: createdAtOf(model), owned_by: model.ownedBy };
}

export function renderModels(models: readonly ModelEntry[], limit?: number, after?: string): string {
  return JSON.stringify({ object: "list", data: pageOf(models, limit, after).entries.map(entryOf) });
}

export function renderModel(model: ModelEntry): string {
  return JSON.stringify(entryOf(model));
}
