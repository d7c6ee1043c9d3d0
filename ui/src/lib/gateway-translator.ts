/** Finds the translation of a text that has values in it. Pure. */

export type Translate = (english: string) => string;

interface Pattern {
  readonly matches: RegExp;
  /** The values' numbers, in the order of the English text. */
  readonly numbers: readonly number[];
  readonly translation: string;
  /** Signs that are no values: the most of them win. */
  readonly weight: number;
}

/** Values within values within values: no text has more. */
const MAX_DEPTH = 4;
/** Faults hold a name or a reason, never more. The time that a pattern takes grows faster than the length of a text. */
const MAX_CHARS = 1_000;
const VALUE = /\{(\d)\}/g;

/** `entries`: English to translation, in which `{0}` stands for a value. A text without an entry stays as it is. */
export function makeTranslator(entries: Readonly<Record<string, string>>): Translate {
  const exact = new Map(Object.entries(entries));
  const patterns = Object.entries(entries)
    .filter(([english]) => /\{\d\}/.test(english))
    .map(([english, translation]) => patternOf(english, translation))
    .sort((a, b) => b.weight - a.weight);
  const translate = (english: string, depth: number): string => {
    const found = exact.get(english);
    if (found !== undefined) return found;
    if (depth === MAX_DEPTH || english.length > MAX_CHARS || !english.includes(" ")) return english;
    for (const { matches, numbers, translation } of patterns) {
      const match = matches.exec(english);
      if (match === null) continue;
      const values = new Map(numbers.map((number, index) => [number, match[index + 1] as string]));
      return translation.replace(VALUE, (_, number: string) =>
        translate(values.get(Number(number)) ?? "", depth + 1),
      );
    }
    return english;
  };
  return (english) => translate(english, 0);
}

function patternOf(english: string, translation: string): Pattern {
  const pieces = english.split(VALUE);
  const numbers = pieces.filter((_, index) => index % 2 === 1).map(Number);
  const plain = pieces.filter((_, index) => index % 2 === 0);
  const source = plain.map((piece) => piece.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&")).join("([^]*?)");
  const weight = plain.reduce((sum, piece) => sum + piece.length, 0);
  return { matches: new RegExp(`^${source}$`), numbers, translation, weight };
}
