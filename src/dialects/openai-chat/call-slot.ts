/**
 * A call of a tool while it arrives, and the rule by which a fragment belongs to a call: servers give index,
 * id and name in many ways.
 */
import type { JsonObject } from "../../core/json.ts";
import { GrownText } from "../../neutral/answer/grown-text.ts";
import type { Seal } from "../../neutral/message.ts";
import { unwrapSeal } from "../../neutral/seal.ts";
import { ObjectFollower, parseArguments } from "../../neutral/tools/json-text.ts";
import { asObject, asString } from "../../wire/json.ts";
import { SIGNATURE_MAKER } from "./seal.ts";

/** A call while it arrives. */
export class CallSlot {
  readonly kind = "tool-call";
  /** The upstream's own id, "" when it gave none. */
  givenId = "";
  name: string | null = null;
  call: "function" | "custom" = "function";
  seal: Seal | null = null;
  /** The call has its place among the blocks. */
  isPlaced = false;
  /** Some of the arguments have been emitted. */
  hasBegun = false;
  /** The arguments begin unlike an object, so they are kept until their meaning is clear. */
  isOdd = false;
  readonly #text = new GrownText();
  readonly #follower = new ObjectFollower();
  /** Whether the arguments can be read; null: not tried. */
  #isReadable: boolean | null = null;

  /** All arguments received so far. */
  get text(): string {
    return this.#text.text;
  }

  get hasText(): boolean {
    return this.#text.length > 0;
  }

  add(fragment: string): void {
    this.#text.add(fragment);
    this.#follower.push(fragment);
  }

  /**
   * Whether the arguments are a whole JSON object, so that nothing can follow. Always false for free text.
   */
  get isComplete(): boolean {
    if (this.call === "custom" || !this.#follower.isClosed) return false;
    // Only white space can follow, so the text is read once.
    this.#isReadable ??= parseArguments(this.text) !== null;
    return this.#isReadable;
  }
}

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
    // Some servers send the arguments as an object.
    text: typeof input === "string" ? input : asObject(input) === null ? "" : JSON.stringify(input),
    seal: sealOf(raw),
  };
}

/** Google's endpoint for this dialect has a member of its own for the seal of a call. */
export function sealOf(call: JsonObject): Seal | null {
  const token = asString(asObject(asObject(call.extra_content)?.google)?.thought_signature);
  if (token === null) return null;
  return unwrapSeal(token) ?? { maker: SIGNATURE_MAKER, place: "call", data: token };
}

/** Finds the call of each fragment: by index, else by id, else the last call. */
export class CallSlots {
  readonly all: CallSlot[] = [];
  readonly #byIndex = new Map<number, CallSlot>();
  readonly #byId = new Map<string, CallSlot>();

  /** `isNext`: another fragment without index and id came before it in the same list. */
  find(fragment: CallFragment, isNext: boolean): CallSlot {
    const { index, id, name } = fragment;
    let slot: CallSlot | undefined;
    if (index !== null) {
      slot = this.#byIndex.get(index);
      // When an index comes again with another id, a known id decides.
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

/** Whether a fragment begins another call: it has a name, and its call is whole or has another id or name. */
function startsAnew(slot: CallSlot, { id, name, text, index }: CallFragment): boolean {
  if (name === null || slot.name === null) return false;
  const isOtherId = id !== "" && slot.givenId !== "" && id !== slot.givenId;
  if (slot.hasText && !slot.isComplete) return isOtherId && name !== slot.name;
  if (isOtherId || name !== slot.name) return true;
  // Some servers repeat the name with each fragment. Further arguments behind whole ones belong to another
  // call.
  return slot.isComplete && !isBlank(text) && (index === null || id !== "");
}

export function isBlank(text: string): boolean {
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return false;
  }
  return true;
}
