// Stored responses. A response belongs to the key that made it.

import { asList, asString, isRecord, type JsonRecord } from "../base/json.ts";
import { openaiRefusal } from "../base/refusal.ts";
import type { StoredResponse } from "./reply.ts";

const MAX_RESPONSES = 2000;

export class ResponseStore {
  readonly #stored = new Map<string, StoredResponse & { readonly owner: string }>();

  keep(owner: string, stored: StoredResponse): void {
    this.#stored.set(stored.id, { ...stored, owner });
    if (this.#stored.size > MAX_RESPONSES) {
      this.#stored.delete(this.#stored.keys().next().value ?? "");
    }
  }

  /** The response as it stands at a time. Throws as `find` does. */
  read(owner: string, id: string, nowMs: number): JsonRecord {
    const { response, begun, readyAtMs } = this.find(owner, id);
    return readyAtMs !== null && nowMs < readyAtMs ? begun : response;
  }

  /** Throws the same 404 for an unknown response and for the response of another key. */
  find(owner: string, id: string): StoredResponse {
    const stored = this.#stored.get(id);
    if (stored === undefined || stored.owner !== owner) {
      throw openaiRefusal(404, { message: `Response with id '${id}' not found.` });
    }
    return stored;
  }

  remove(owner: string, id: string): void {
    this.find(owner, id);
    this.#stored.delete(id);
  }

  /** Only a background response can be cancelled; one that is made already stays as it is. */
  cancel(owner: string, id: string, nowMs: number): JsonRecord {
    const stored = this.find(owner, id);
    if (stored.begun.background !== true) {
      throw openaiRefusal(400, { message: "Only responses with background=true can be cancelled." });
    }
    const { begun, readyAtMs } = stored;
    if (readyAtMs === null || nowMs >= readyAtMs) return stored.response;
    const cancelled = { ...begun, status: "cancelled" };
    this.keep(owner, { ...stored, response: cancelled, readyAtMs: null });
    return cancelled;
  }

  /** The history: input and output of the previous response, which holds its own history. */
  history(owner: string, body: JsonRecord): readonly JsonRecord[] {
    const id = body.previous_response_id;
    if (id === undefined || id === null) {
      return [];
    }
    const stored = this.#stored.get(asString(id));
    if (stored === undefined || stored.owner !== owner) {
      throw openaiRefusal(400, {
        message: `Previous response with id '${asString(id)}' not found.`,
        param: "previous_response_id",
        code: "previous_response_not_found",
      });
    }
    return [...stored.input, ...asList(stored.response.output).filter(isRecord)];
  }

  clear(): void {
    this.#stored.clear();
  }
}
