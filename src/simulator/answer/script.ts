// The script of a request: the words of `words.ts` among its faults. They decide the simulated model's
// answer.

import { type Fault, NO_FAULT, numberParam } from "../base/fault.ts";
import { Refusal } from "../base/refusal.ts";
import { COMPAT_WORDS, type CompatDialect, type CompatWord, type ScriptWord } from "../scenarios/words.ts";

export class Script {
  readonly #fault: Fault;
  readonly #compat: ReadonlySet<string>;

  /**
   * Throws a 400 of the simulator's own for an unknown compat word: a test with such a word would prove
   * nothing. `ofPersona`: compat words of all answers of the asked server.
   */
  constructor(fault: Fault = NO_FAULT, ofPersona: readonly string[] = []) {
    this.#fault = fault;
    const words = (fault.params.compat ?? "").split("+").filter((word) => word !== "");
    const odd = words.find(
      (word) => !Object.values(COMPAT_WORDS).some((known) => Object.hasOwn(known, word)),
    );
    if (odd !== undefined) {
      throw new Refusal(400, { error: { message: `The simulator knows no compat word "${odd}".` } });
    }
    this.#compat = new Set([...ofPersona, ...words]);
  }

  /** Whether the script has the word, alone or with a value. */
  has(word: ScriptWord): boolean {
    return this.#fault.names.has(word) || this.#fault.params[word] !== undefined;
  }

  /** The percent-decoded value of a word; undefined without a value. */
  text(word: ScriptWord): string | undefined {
    const value = this.#fault.params[word];
    try {
      return value === undefined ? undefined : decodeURIComponent(value);
    } catch {
      return value;
    }
  }

  /** The number after a word; 1 for a word alone, undefined for an absent word. */
  count(word: ScriptWord): number | undefined {
    return numberParam(this.#fault, word) ?? (this.has(word) ? 1 : undefined);
  }

  /** Whether the script asks for an oddity of one dialect. */
  compat<Dialect extends CompatDialect>(_dialect: Dialect): (word: CompatWord<Dialect>) => boolean {
    return (word) => this.#compat.has(word);
  }
}
