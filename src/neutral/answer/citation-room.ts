/** Bounds the work that citations make of an answer's own text: an upstream may cite all of it, ten thousand times. */

/** Characters that are walked over to find the places of citations: a long answer, some thousand times. */
const MAX_WALKED_CHARS = 64_000_000;
/** Characters of the answer that citations repeat. */
const MAX_REPEATED_CHARS = 4_000_000;

/** Of one answer. A citation that there is no room for stands without the words that it covers. */
export class CitationRoom {
  #walkedChars = 0;
  #repeatedChars = 0;

  /** Whether so many characters may be walked over once more. */
  walks(chars: number): boolean {
    if (this.#walkedChars + chars > MAX_WALKED_CHARS) return false;
    this.#walkedChars += chars;
    return true;
  }

  /** Whether so many characters of the answer may be written again. */
  repeats(chars: number): boolean {
    if (this.#repeatedChars + chars > MAX_REPEATED_CHARS) return false;
    this.#repeatedChars += chars;
    return true;
  }
}
