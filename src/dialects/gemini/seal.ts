/** The field `thoughtSignature`: Gemini's own signatures as they are, others' seals as tokens, both base64. */
import type { Seal } from "../../neutral/message.ts";
import { unwrapSeal, wrapSeal } from "../../neutral/seal.ts";
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

/** Whether the seal on a part with an empty text is of the text or thought before it (`open`), and not of hidden thinking of its own. */
export function isOfFormer(seal: Seal, isThought: boolean, open: "text" | "reasoning"): boolean {
  // Tokens say what they seal. Google marks a thought as one, but not always the signature behind it.
  if (seal.maker !== MAKER) return seal.place === open;
  return seal.place !== "redacted" && !(isThought && open === "text");
}
