/**
 * A call of a tool while it arrives, and the rule by which a fragment belongs to a call: servers give index,
 * id and name in many ways.
 */
import { isObject, type JsonObject } from "../../core/json.ts";
import { GrownText } from "../../neutral/answer/grown-text.ts";
import type { Seal } from "../../neutral/message.ts";
import { unwrapSeal } from "../../neutral/seal.ts";
import { ObjectFollower, parseArguments } from "../../neutral/tools/json-text.ts";
import { asObject, asString, parseJson } from "../../wire/json.ts";
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
  #text = new GrownText();
  #follower = new ObjectFollower();
  /** Whether the arguments can be read; null: not tried. */
  #isReadable: boolean | null = null;
  /** A fragment that either goes on with the arguments or says them anew, from their beginning. */
  #doubted: string | null = null;
  /** Each fragment says the arguments from their beginning. */
  #isCumulative = false;

  /** All arguments that are certain so far. */
  get text(): string {
    return this.#text.text;
  }

  get hasText(): boolean {
    return this.#text.length > 0;
  }

  /** Adds a fragment, and returns what the arguments gain by it. */
  add(fragment: string): string {
    if (fragment === "" || this.call === "custom") return this.#append(fragment);
    if (this.#doubted !== null) return this.#decide(fragment, this.#doubted);
    if (this.isComplete && isSameObject(fragment, this.text)) return "";
    if (this.isPlaceholder && !isBlank(fragment)) return this.#replace(fragment);
    if (!this.#saysAnew(fragment)) return this.#append(fragment);
    if (this.#isCumulative) return this.#append(fragment.slice(this.#text.length));
    this.#doubted = fragment;
    return "";
  }

  /** No fragment follows. Returns what the arguments still gain. */
  settle(): string {
    const doubted = this.#doubted;
    if (doubted === null) return "";
    this.#doubted = null;
    const isWhole = parseArguments(this.text + doubted) === null && parseArguments(doubted) !== null;
    return this.#append(isWhole ? doubted.slice(this.#text.length) : doubted);
  }

  /** Some servers begin with an empty object and send the arguments behind it. */
  get isPlaceholder(): boolean {
    const { length } = this.#text;
    return !this.hasBegun && length > 1 && length < 5 && /^\s*\{\s*\}\s*$/.test(this.text);
  }

  /**
   * Whether the arguments are a whole JSON object, so that nothing can follow. Always false for free text.
   */
  get isComplete(): boolean {
    if (this.call === "custom" || this.#doubted !== null || !this.#follower.isClosed) return false;
    // Only white space can follow, so the text is read once.
    this.#isReadable ??= parseArguments(this.text) !== null;
    return this.#isReadable;
  }

  /** Whether the fragment says the arguments that are there. */
  repeats(fragment: string): boolean {
    return this.isComplete && (this.isPlaceholder || isSameObject(fragment, this.text));
  }

  #append(fragment: string): string {
    this.#text.add(fragment);
    this.#follower.push(fragment);
    return fragment;
  }

  #replace(fragment: string): string {
    this.#text = new GrownText();
    this.#follower = new ObjectFollower();
    this.#isReadable = null;
    return this.#append(fragment);
  }

  /** Compares no more than the fragment has, so that the work for all fragments is linear. */
  #saysAnew(fragment: string): boolean {
    const { length } = this.#text;
    return (
      length > 0 && fragment.length > length && fragment.startsWith("{") && fragment.startsWith(this.text)
    );
  }

  #decide(fragment: string, doubted: string): string {
    this.#doubted = null;
    if (!fragment.startsWith(doubted)) return this.#append(doubted) + this.add(fragment);
    this.#isCumulative = true;
    return this.#append(fragment.slice(this.#text.length));
  }
}

/** Whether both texts are the same object, also where one of them is a text in JSON that holds it. */
function isSameObject(one: string, other: string): boolean {
  // Many short fragments behind a long text would have it read again and again.
  if (one.length * 2 < other.length) return false;
  if (one.trim() === other.trim()) return true;
  const [left, right] = [one, other].map((text) => parseArguments(plainArguments(text)));
  return isObject(left) && isObject(right) && JSON.stringify(left) === JSON.stringify(right);
}

/** The arguments in a text that some servers encode twice (quarkiverse/quarkus-langchain4j#2642); else the text as it is. */
export function plainArguments(text: string): string {
  const inner = text.trimStart().startsWith('"') ? asString(parseJson(text)) : null;
  return inner !== null && parseArguments(inner) !== null && inner.trimStart().startsWith("{") ? inner : text;
}

/** How often a server may say the arguments in one text: each number is tried. */
const MAX_SAYINGS = 8;

/** Some servers say the arguments several times in one text: Soju06/codex-lb#284. */
function saidOnce(text: string): string {
  if (!text.includes("}{")) return text;
  for (let times = 2; times <= MAX_SAYINGS; times++) {
    const once = text.slice(0, text.length / times);
    if (text.length % times === 0 && once.repeat(times) === text && parseArguments(once) !== null)
      return once;
  }
  return text;
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
    text: custom === null ? argumentsIn(input) : (asString(input) ?? ""),
    seal: sealOf(raw),
  };
}

/** Some servers send the arguments as an object. */
function argumentsIn(input: unknown): string {
  if (typeof input === "string") return saidOnce(input);
  return asObject(input) === null ? "" : JSON.stringify(input);
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
  // LiteLLM and others say a whole call once more behind it: BerriAI/litellm#20480, elizaOS/eliza#16973.
  if (id !== "" && id === slot.givenId && name === slot.name && slot.repeats(text)) return false;
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
