/** The field `thoughtSignature`: Gemini's own signatures as they are, others' seals as tokens, both base64. */
import type { Seal } from "../../model/message.ts";
import { unwrapSeal, wrapSeal } from "../../model/seal.ts";
import { DUMMY_SIGNATURES } from "./wire.ts";

/** The maker of this dialect's seals. */
export const MAKER = "gemini";

/** What a signature seals on a part of this kind; null: it is none, or a stand-in for one. */
export function readSignature(signature: unknown, place: Seal["place"]): Seal | null {
  if (typeof signature !== "string" || signature === "" || DUMMY_SIGNATURES.includes(signature)) return null;
  return unwrapSeal(signature) ?? { maker: MAKER, place, data: signature };
}

/** The signature that carries a seal to a client. */
export function signatureOf(seal: Seal): string {
  return seal.maker === MAKER ? seal.data : wrapSeal(seal);
}
