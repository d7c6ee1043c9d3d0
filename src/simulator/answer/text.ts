// Cuts texts into pieces, as a model streams text.

const WORDS_PER_DELTA = 3;

/** A text in pieces of a few words. The joined pieces equal the text. */
export function deltas(text: string): string[] {
  const words = text.match(/\S+\s*|^\s+/g) ?? [];
  const pieces: string[] = [];
  for (let index = 0; index < words.length; index += WORDS_PER_DELTA) {
    pieces.push(words.slice(index, index + WORDS_PER_DELTA).join(""));
  }
  return pieces;
}

/** JSON in pieces of a few characters, because JSON has few spaces. */
export function pieces(text: string): string[] {
  return text.match(/[\s\S]{1,12}/gu) ?? [];
}

/** The first characters of a list of pieces. Never cuts a surrogate pair. */
export function keepChars(text: readonly string[], chars: number): string[] {
  const kept: string[] = [];
  let left = chars;
  for (const piece of text) {
    if (left <= 0) {
      break;
    }
    const part = piece.slice(0, left).replace(/[\ud800-\udbff]$/, "");
    if (part !== "") {
      kept.push(part);
    }
    left -= piece.length;
  }
  return kept;
}

/** The text before the first stop sequence, and that stop sequence. */
export function cutAtStop(
  text: readonly string[],
  stops: readonly string[],
): { readonly text: readonly string[]; readonly stop?: string } {
  const whole = text.join("");
  let cutAt = whole.length;
  let stop: string | undefined;
  for (const candidate of stops) {
    const at = candidate === "" ? -1 : whole.indexOf(candidate);
    if (at >= 0 && at < cutAt) {
      cutAt = at;
      stop = candidate;
    }
  }
  return stop === undefined ? { text } : { text: keepChars(text, cutAt), stop };
}

/** The beginning of a text that fits into a number of tokens; four characters are a token. */
export function cutAtTokens(
  text: readonly string[],
  maxTokens: number,
): { readonly text: readonly string[]; readonly tokens: number; readonly isCut: boolean } {
  const chars = text.reduce((sum, piece) => sum + piece.length, 0);
  const tokens = chars === 0 ? 0 : Math.ceil(chars / 4);
  if (tokens <= maxTokens) {
    return { text, tokens, isCut: false };
  }
  const room = Math.max(0, maxTokens);
  return { text: keepChars(text, room * 4), tokens: room, isCut: true };
}
