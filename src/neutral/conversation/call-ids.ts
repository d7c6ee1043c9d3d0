/**
 * Ids of tool calls for wires that do not accept every id. A call and its result always get the same id, on
 * every process, without a store.
 */
import { sha256Hex } from "../../core/hash.ts";

/** The ids that a wire accepts. */
export interface CallIdRule {
  /** Matches the whole id: anchored at both ends, without the flags `g` and `y`. */
  readonly isAllowed: RegExp;
  readonly maxChars: number;
  /** Prefix of made ids. */
  readonly prefix: string;
}

const HASH_CHARS = 32;
const CARRIED = "b64_";
const CARRIED_ID = /^[a-z]+_b64_([\w-]+)$/;

/** The strictest rule that is known: nine letters and digits. */
export const SHORT_IDS: CallIdRule = Object.freeze({
  isAllowed: /^[A-Za-z0-9]{9}$/,
  maxChars: 9,
  prefix: "",
});

/** The id on the wire: an accepted id unchanged, any other id as the prefix and a hash. */
export function callIdFor(id: string, rule: CallIdRule): string {
  if (isAccepted(id, rule)) return id;
  const hash = sha256Hex(id).slice(0, HASH_CHARS);
  return (rule.prefix + hash).slice(0, rule.maxChars);
}

/**
 * As `callIdFor`, for wires from which the id comes back: an id that the wire does not accept is carried within one that
 * it does, where there is room. Kimi's models read the name of the function from the id, and LiteLLM a signature.
 */
export function carriedIdFor(id: string, rule: CallIdRule): string {
  if (isAccepted(id, rule)) return id;
  const carried = `${rule.prefix}${CARRIED}${Buffer.from(id).toString("base64url")}`;
  return isAccepted(carried, rule) ? carried : callIdFor(id, rule);
}

/** Clients keep an id of any length: those of LiteLLM hold a signature of thousands of characters. */
export const MAX_SHOWN_CHARS = 16_384;

/** As `carriedIdFor`, for a client, which gives the id back as it is. */
export function shownIdFor(id: string, rule: CallIdRule): string {
  return isAccepted(id, rule) ? id : carriedIdFor(id, { ...rule, maxChars: MAX_SHOWN_CHARS });
}

/** The id on the wire of a server that may have made it: the one that is carried, if the server accepts it. */
export function returnedIdFor(id: string, rule: CallIdRule): string {
  const original = carriedIn(id);
  return isAccepted(original, rule) ? original : callIdFor(id, rule);
}

/** The id that another one carries, or the id itself. */
export function carriedIn(id: string): string {
  const code = CARRIED_ID.exec(id)?.[1];
  return code === undefined ? id : Buffer.from(code, "base64url").toString() || id;
}

function isAccepted(id: string, { isAllowed, maxChars }: CallIdRule): boolean {
  return id.length <= maxChars && isAllowed.test(id);
}

/** The id of the n-th call of an answer whose upstream gave none. */
export function mintCallId(seed: string, n: number): string {
  return `call_${seed}_${n}`;
}
