// What a request wants the simulated model to say and do: the words of `words.ts` among its faults.

import { type Fault, NO_FAULT, numberParam } from "../base/fault.ts";
import { Refusal } from "../base/refusal.ts";
import { COMPAT_WORDS, type CompatDialect, type CompatWord, type ScriptWord } from "../scenarios/words.ts";

export class Script {
  readonly #fault: Fault;
  readonly #compat: ReadonlySet<string>;

  /** Throws a 400 in no provider's words where a compat word is not known: a test with it would prove nothing. */
  constructor(fault: Fault = NO_FAULT) {
    this.#fault = fault;
    const words = (fault.params.compat ?? "").split("+").filter((word) => word !== "");
    const odd = words.find(
      (word) => !Object.values(COMPAT_WORDS).some((known) => Object.hasOwn(known, word)),
    );
    if (odd !== undefined) {
      throw new Refusal(400, { error: { message: `The simulator knows no compat word "${odd}".` } });
    }
    this.#compat = new Set(words);
  }

  /** The word is there, alone or with a value. */
  has(word: ScriptWord): boolean {
    return this.#fault.names.has(word) || this.#fault.params[word] !== undefined;
  }

  /** The value of a word, percent-decoded; undefined where it has none. */
  text(word: ScriptWord): string | undefined {
    const value = this.#fault.params[word];
    try {
      return value === undefined ? undefined : decodeURIComponent(value);
    } catch {
      return value;
    }
  }

  /** The number after a word; 1 where the word stands alone, undefined where it does not stand. */
  count(word: ScriptWord): number | undefined {
    return numberParam(this.#fault, word) ?? (this.has(word) ? 1 : undefined);
  }

  /** Asks for the oddities of one dialect. */
  compat<Dialect extends CompatDialect>(_dialect: Dialect): (word: CompatWord<Dialect>) => boolean {
    return (word) => this.#compat.has(word);
  }
}
