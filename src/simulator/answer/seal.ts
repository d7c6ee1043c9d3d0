// Signatures of thinking and reasoning: made here, and verified when a client replays them.

import { createHmac } from "node:crypto";

const MAGIC = "clewline-simulator/1";

/**
 * An opaque seal in standard base64, bound to a maker, an owner (an organisation; may be empty) and a text.
 */
export function seal(maker: string, owner: string, text: string): string {
  const payload = [MAGIC, maker, mark("owner", owner), mark("text", text)].join("|");
  return Buffer.from(`${payload}|${mark("seal", payload)}`).toString("base64");
}

export type SealState = "good" | "foreign" | "other-owner" | "other-text";

/** Whether `seal` made the value for this maker, owner and text. Without a text, the text is not compared. */
export function checkSeal(value: string, maker: string, owner: string, text?: string): SealState {
  const [magic, madeBy, ownerMark, textMark, sealMark, ...rest] = Buffer.from(value, "base64")
    .toString()
    .split("|");
  const payload = [magic, madeBy, ownerMark, textMark].join("|");
  if (magic !== MAGIC || madeBy !== maker || rest.length > 0 || sealMark !== mark("seal", payload)) {
    return "foreign";
  }
  if (ownerMark !== mark("owner", owner)) {
    return "other-owner";
  }
  return text === undefined || textMark === mark("text", text) ? "good" : "other-text";
}

function mark(purpose: string, text: string): string {
  return createHmac("sha256", MAGIC).update(`${purpose}:${text}`).digest("hex").slice(0, 24);
}
