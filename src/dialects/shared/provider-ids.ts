/**
 * Finds the objects that a request names. What a key has made at a provider is the key's own, so no place in which another
 * key could name it may be passed over.
 */
import { Buffer } from "node:buffer";
import { indexOfBytes } from "../../wire/bytes.ts";
import { JsonScanner } from "../../wire/json-scan.ts";
import type { ShapeNode } from "../../wire/json-shape.ts";
import type { JsonSink } from "../../wire/json-sink.ts";
import { WORD_KINDS } from "../dialect.ts";
import type { ProviderId, ProviderIdKind, ProviderIdPlan } from "./provider-id-plan.ts";
import { readString } from "./request-peek.ts";

/** A request names so many objects at most. */
export const MAX_PROVIDER_IDS = 1_000;

/** Places of these kinds hold other things too, which are no objects of the account. */
const FORMS: Partial<Readonly<Record<ProviderIdKind, RegExp>>> = {
  // Skills of the provider's own have plain names, and files of others are URLs.
  skill: /^skill_/,
  file: /^(?!https?:|gs:|data:)|\/files\//,
};

/** An escape of a character that a name may hold: then the names cannot be searched for as they are. */
const ESCAPE = Buffer.from("\\u00");

/** Whether a body may name objects. `words`: those of its peek. Costs a native search where the body names none. */
export function mayNameObjects(words: number, body: Uint8Array): boolean {
  return (words & WORD_KINDS.naming) !== 0 || indexOfBytes(body, ESCAPE, 0) !== -1;
}

/** The objects that a body names; null: more than a request may name. */
export function providerIdsIn(plan: ProviderIdPlan, body: Uint8Array): readonly ProviderId[] | null {
  const collector = new IdCollector(plan);
  new JsonScanner(plan.shape, collector).push(body);
  return collector.isTooMany ? null : collector.found;
}

class IdCollector implements JsonSink {
  readonly found: ProviderId[] = [];
  isTooMany = false;
  readonly #plan: ProviderIdPlan;
  /** Of the item that is open. */
  #type: string | null = null;
  #ids: string[] = [];
  #isSealed = false;

  constructor(plan: ProviderIdPlan) {
    this.#plan = plan;
  }

  open(node: ShapeNode): void {
    if (node.path !== this.#plan.items) return;
    this.#type = null;
    this.#ids = [];
    this.#isSealed = false;
  }

  /** The provider reads a reference, and reasoning that does not come along, from what it has stored. */
  close(node: ShapeNode): void {
    if (node.path !== this.#plan.items) return;
    if (this.#type !== "item_reference" && (this.#type !== "reasoning" || this.#isSealed)) return;
    for (const id of this.#ids) this.#add("item", id, `${node.path}.id`);
  }

  value(
    node: ShapeNode,
    _start: number,
    _end: number,
    bytes: Uint8Array | null,
    from: number,
    to: number,
  ): void {
    const { path, name } = node;
    const text = readString(bytes, from, to);
    const kind = this.#plan.kinds.get(path);
    if (kind !== undefined) {
      if (text !== null && text !== "") this.#add(kind, text, path);
    } else if (name === "encrypted_content") this.#isSealed ||= bytes === null || text !== null;
    else if (name === "type") this.#type = text;
    else if (name === "id" && text !== null) this.#ids.push(text);
  }

  #add(kind: ProviderIdKind, id: string, field: string): void {
    if (FORMS[kind]?.test(id) === false) return;
    if (this.found.length === MAX_PROVIDER_IDS) this.isTooMany = true;
    else this.found.push({ kind, id, field });
  }
}
