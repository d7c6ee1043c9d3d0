/**
 * How state of other makers travels through clients of this dialect: in the signature of a thinking block, in
 * the data of a redacted one. Clients send both back as they got them. A thinking block always gets a
 * signature, as clients throw those without one away; when its maker gave none, the signature holds the
 * thinking itself if the client was not shown it, else nothing.
 */
import type { ReasoningPart, Seal } from "../../neutral/message.ts";
import { unwrapSeal, wrapSeal } from "../../neutral/seal.ts";
import { MAKER } from "./wire.ts";

/** Maker of a signature that seals nothing. */
const NOBODY = "none";

/** The signature of a thinking block. `hiddenText`: the thinking that the client asked not to be shown. */
export function signatureOf(seal: Seal | null, hiddenText: string): string {
  if (seal === null) return wrapSeal({ maker: NOBODY, place: "reasoning", data: hiddenText });
  return isNative(seal, "reasoning") ? seal.data : wrapSeal(seal);
}

/** The data of a redacted thinking block. */
export function redactedData(seal: Seal): string {
  return isNative(seal, "redacted") ? seal.data : wrapSeal(seal);
}

function isNative(seal: Seal, place: Seal["place"]): boolean {
  return seal.maker === MAKER && seal.place === place;
}

/** What a client's thinking block, or redacted one, holds. */
export type Carried =
  | { readonly kind: "reasoning"; readonly part: ReasoningPart }
  /** State of the call or of the provider's block that comes next, or of the text before. */
  | { readonly kind: "seal"; readonly seal: Seal };

export function decodeThinking(text: string, signature: string): Carried {
  const seal = signature === "" ? null : unwrapSeal(signature);
  if (seal === null) {
    const native: Seal | null =
      signature === "" ? null : { maker: MAKER, place: "reasoning", data: signature };
    return { kind: "reasoning", part: { type: "reasoning", text, seal: native } };
  }
  if (seal.maker === NOBODY) {
    return {
      kind: "reasoning",
      part: { type: "reasoning", text: text === "" ? seal.data : text, seal: null },
    };
  }
  return seal.place === "reasoning" || seal.place === "redacted"
    ? { kind: "reasoning", part: { type: "reasoning", text, seal } }
    : { kind: "seal", seal };
}

export function decodeRedacted(data: string): Carried {
  const seal = unwrapSeal(data) ?? ({ maker: MAKER, place: "redacted", data } as const);
  return seal.place === "reasoning" || seal.place === "redacted"
    ? { kind: "reasoning", part: { type: "reasoning", text: "", seal } }
    : { kind: "seal", seal };
}
