/**
 * Ids of tool calls for wires that do not accept every id. A call and its result always get the same id, on
 * every process, without a store.
 */
import { createHash } from "node:crypto";

/** The ids that a wire accepts. */
export interface CallIdRule {
  /** Matches the whole id: anchored at both ends, without the flags `g` and `y`. */
  readonly isAllowed: RegExp;
  readonly maxChars: number;
  /** Prefix of made ids. */
  readonly prefix: string;
}

const HASH_CHARS = 32;

/** The strictest rule that is known: nine letters and digits. */
export const SHORT_IDS: CallIdRule = Object.freeze({
  isAllowed: /^[A-Za-z0-9]{9}$/,
  maxChars: 9,
  prefix: "",
});

/** The id on the wire: an accepted id unchanged, any other id as the prefix and a hash. */
export function callIdFor(id: string, rule: CallIdRule): string {
  if (id.length <= rule.maxChars && rule.isAllowed.test(id)) return id;
  const hash = createHash("sha256").update(id).digest("hex").slice(0, HASH_CHARS);
  return (rule.prefix + hash).slice(0, rule.maxChars);
}

/** The id of the n-th call of an answer whose upstream gave none. */
export function mintCallId(seed: string, n: number): string {
  return `call_${seed}_${n}`;
}
