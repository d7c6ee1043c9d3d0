/** Ids of tool calls on wires that do not take every id: the same call and its result always get the same, on every process, with no store. */
import { createHash } from "node:crypto";

/** Which ids a wire takes. */
export interface CallIdRule {
  /** Holds of the whole id: anchored at both ends, without the flags `g` and `y`. */
  readonly isAllowed: RegExp;
  readonly maxChars: number;
  /** What made ids begin with. */
  readonly prefix: string;
}

const HASH_CHARS = 32;

/** The id on the wire: a legal one as it is, any other as the prefix and a hash of it. */
export function callIdFor(id: string, rule: CallIdRule): string {
  if (id.length <= rule.maxChars && rule.isAllowed.test(id)) return id;
  const hash = createHash("sha256").update(id).digest("hex").slice(0, HASH_CHARS);
  return (rule.prefix + hash).slice(0, rule.maxChars);
}

/** An id for the n-th call of an answer whose upstream gave none. */
export function mintCallId(seed: string, n: number): string {
  return `call_${seed}_${n}`;
}
