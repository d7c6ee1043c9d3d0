/**
 * Carries seals on a foreign wire: a token in the opaque field of a dialect that is not the seal's maker's.
 * The token is standard base64 as a whole, because some clients read such fields as bytes and send them back
 * in another alphabet or padding.
 */
import { Buffer } from "node:buffer";
import type { Seal } from "./message.ts";

const MAGIC = "clewline1:";
/**
 * The beginning of every token: nine bytes of the magic fill twelve characters; the tenth byte reaches into
 * the next character.
 */
const TOKEN_START = "Y2xld2xpbmUx";
const TOKEN = /^[A-Za-z0-9+/_-]+={0,2}$/;
const PLACES: Readonly<Record<Seal["place"], true>> = {
  reasoning: true,
  redacted: true,
  call: true,
  text: true,
  raw: true,
};

/** The token that carries a seal. */
export function wrapSeal(seal: Seal): string {
  return Buffer.from(`${MAGIC}${seal.maker}:${seal.place}:${seal.data}`, "utf8").toString("base64");
}

/**
 * The seal in a token; null when the text is not a token of Clewline (so it is native to its dialect) or is
 * damaged.
 */
export function unwrapSeal(text: string): Seal | null {
  if (!text.startsWith(TOKEN_START) || !TOKEN.test(text)) return null;
  const plain = utf8(Buffer.from(text, "base64"));
  if (plain === null || !plain.startsWith(MAGIC)) return null;
  const makerEnd = plain.indexOf(":", MAGIC.length);
  const placeEnd = makerEnd === -1 ? -1 : plain.indexOf(":", makerEnd + 1);
  if (placeEnd === -1 || makerEnd === MAGIC.length) return null;
  const place = plain.slice(makerEnd + 1, placeEnd);
  if (!Object.hasOwn(PLACES, place)) return null;
  return {
    maker: plain.slice(MAGIC.length, makerEnd),
    place: place as Seal["place"],
    data: plain.slice(placeEnd + 1),
  };
}

function utf8(bytes: Uint8Array): string | null {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return null;
  }
}
