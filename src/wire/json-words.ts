/** Words that a scan of JSON looks for on its way: a search of its own would go over the bytes once more for each word. */

export interface JsonWord {
  /** The text of a whole string, a key or a value, as it is written: an escape in it makes another word. */
  readonly text: string;
  /** The bit that stands for the word and others of its kind. */
  readonly kind: number;
}

interface CompiledWord {
  readonly bytes: Uint8Array;
  readonly kind: number;
}

const NO_WORDS: readonly CompiledWord[] = [];

/** Can serve any number of scans. */
export class JsonWords {
  /** By size, from 0 to that of the longest word: most strings are longer, and most others begin otherwise. */
  readonly bySize: readonly (readonly CompiledWord[])[];

  constructor(words: readonly JsonWord[]) {
    const compiled = words.map(({ text, kind }) => ({ bytes: new TextEncoder().encode(text), kind }));
    const sizes: CompiledWord[][] = [];
    for (const word of compiled) {
      const of = sizes[word.bytes.length];
      if (of === undefined) sizes[word.bytes.length] = [word];
      else of.push(word);
    }
    this.bySize = Array.from(sizes, (of) => of ?? NO_WORDS);
  }
}

/** One scan's search. Strings that are split over two pieces of the bytes are not looked at. */
export class WordSearch {
  /** The bits of all words that were found. */
  found = 0;
  readonly #bySize: JsonWords["bySize"];

  constructor({ bySize }: JsonWords) {
    this.#bySize = bySize;
  }

  /** Looks at the string within these quotes. */
  look(bytes: Uint8Array, from: number, to: number): void {
    const size = to - from;
    if (size >= this.#bySize.length) return;
    const words = this.#bySize[size] as readonly CompiledWord[];
    for (let i = 0; i < words.length; i++) {
      const word = words[i] as CompiledWord;
      let at = 0;
      while (at < size && word.bytes[at] === bytes[from + at]) at++;
      if (at === size) this.found |= word.kind;
    }
  }
}
