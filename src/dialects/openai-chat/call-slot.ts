/** One call of a tool on its way in, and which call a fragment belongs to: servers give index, id and name as they please. */

import type { Seal } from "../../neutral/message.ts";
import { unwrapSeal } from "../../neutral/seal.ts";
import { parseArguments } from "../../neutral/tools/json-text.ts";
import { asObject, asString, type JsonObject } from "../../wire/json.ts";
import { SIGNATURE_MAKER } from "./seal.ts";

/** A call as far as it has come. */
export class CallSlot {
  readonly kind = "tool-call";
  /** The upstream's own, "" when it gave none. */
  givenId = "";
  name: string | null = null;
  call: "function" | "custom" = "function";
  seal: Seal | null = null;
  /** It has its place among the blocks. */
  isPlaced = false;
  /** Some of the arguments have gone out. */
  hasBegun = false;
  /** They begin as no object does, so they are kept until it is clear what to make of them. */
  isOdd = false;
  #text = "";
  #endsInBrace = false;
  #triedChars = -1;
  #isComplete = false;

  /** All of the arguments so far. */
  get text(): string {
    return this.#text;
  }

  add(fragment: string): void {
    this.#text += fragment;
    const end = fragment.trimEnd();
    // Read off the fragment: to look into the whole, which is built of many, costs its length.
    if (end !== "") this.#endsInBrace = end.endsWith("}");
  }

  /** Whether the arguments are a whole JSON object, so that nothing can follow. Free text never says so. */
  get isComplete(): boolean {
    if (this.call === "custom" || !this.#endsInBrace) return false;
    if (this.text.length === this.#triedChars) return this.#isComplete;
    this.#triedChars = this.text.length;
    this.#isComplete = parseArguments(this.text) !== null;
    return this.#isComplete;
  }

  /** Whether the arguments may go out as those of an answer that ended well; none at all count as `{}`. */
  get isValid(): boolean {
    return this.call === "custom" || this.isComplete || parseArguments(this.text) !== null;
  }
}

/** A fragment of a call, read. */
export interface CallFragment {
  readonly index: number | null;
  readonly id: string;
  readonly name: string | null;
  readonly call: "function" | "custom";
  readonly text: string;
  readonly seal: Seal | null;
}

export function readFragment(raw: JsonObject): CallFragment {
  const custom = asObject(raw.custom);
  const body = custom ?? asObject(raw.function);
  const input = custom === null ? body?.arguments : custom.input;
  return {
    index: typeof raw.index === "number" ? raw.index : null,
    id: asString(raw.id) ?? "",
    name: asString(body?.name),
    call: custom === null && raw.type !== "custom" ? "function" : "custom",
    // Some servers give the arguments as the object itself.
    text: typeof input === "string" ? input : asObject(input) === null ? "" : JSON.stringify(input),
    seal: sealOf(raw),
  };
}

/** Google's endpoint for this dialect signs calls in a member of its own. */
export function sealOf(call: JsonObject): Seal | null {
  const token = asString(asObject(asObject(call.extra_content)?.google)?.thought_signature);
  if (token === null) return null;
  return unwrapSeal(token) ?? { maker: SIGNATURE_MAKER, place: "call", data: token };
}

/** Finds the slot of each fragment: by index, else by id, else the last one. */
export class CallSlots {
  readonly all: CallSlot[] = [];
  readonly #byIndex = new Map<number, CallSlot>();
  readonly #byId = new Map<string, CallSlot>();

  /** `isNext`: another fragment without index and id stood before it in the same list. */
  find(fragment: CallFragment, isNext: boolean): CallSlot {
    const { index, id, name } = fragment;
    let slot: CallSlot | undefined;
    if (index !== null) {
      slot = this.#byIndex.get(index);
      // An index that comes again with another id: the id tells, if it is known.
      if (slot !== undefined && id !== "" && slot.givenId !== "" && slot.givenId !== id)
        slot = this.#byId.get(id) ?? slot;
    } else if (id !== "") slot = this.#byId.get(id);
    else slot = name !== null && isNext ? undefined : this.all.at(-1);
    if (slot === undefined || startsAnew(slot, fragment)) {
      slot = new CallSlot();
      this.all.push(slot);
    }
    if (index !== null) this.#byIndex.set(index, slot);
    if (id !== "" && slot.givenId === "") {
      slot.givenId = id;
      this.#byId.set(id, slot);
    }
    return slot;
  }
}

/** Whether a fragment that would belong to this call begins another one: it has a name, and the call cannot go on or is another's. */
function startsAnew(slot: CallSlot, { id, name, text, index }: CallFragment): boolean {
  if (name === null || slot.name === null) return false;
  const isOtherId = id !== "" && slot.givenId !== "" && id !== slot.givenId;
  if (slot.text !== "" && !slot.isComplete) return isOtherId && name !== slot.name;
  if (isOtherId || name !== slot.name) return true;
  // The same call said again, as some servers do with each fragment; more arguments behind whole ones are another call's.
  return slot.isComplete && !isBlank(text) && (index === null || id !== "");
}

export function isBlank(text: string): boolean {
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return false;
  }
  return true;
}
