/**
 * The member `thoughtSignature`: Gemini's own signatures as they are, seals of other makers as tokens, both
 * in base64.
 */
import type { Seal } from "../../neutral/message.ts";
import { unwrapSeal, wrapSeal } from "../../neutral/seal.ts";
import { DUMMY_SIGNATURES } from "./wire.ts";

/** The maker of this dialect's seals. */
export const MAKER = "gemini";

/** The seal in a signature on a part of this kind; null: there is no signature, or only the stand-in. */
export function readSignature(signature: unknown, place: Seal["place"]): Seal | null {
  if (typeof signature !== "string" || signature === "" || DUMMY_SIGNATURES.includes(signature)) return null;
  return unwrapSeal(signature) ?? { maker: MAKER, place, data: signature };
}

/** The signature that carries a seal to a client. */
export function signatureOf(seal: Seal): string {
  return seal.maker === MAKER ? seal.data : wrapSeal(seal);
}

/**
 * Whether the seal on a part with an empty text seals the text or thought before it (`open`), not hidden
 * thinking.
 */
export function isOfFormer(seal: Seal, isThought: boolean, open: "text" | "reasoning"): boolean {
  // A token names the place that it seals. Google marks a thought, but not always the signature that follows
  // it.
  if (seal.maker !== MAKER) return seal.place === open;
  return seal.place !== "redacted" && !(isThought && open === "text");
}
