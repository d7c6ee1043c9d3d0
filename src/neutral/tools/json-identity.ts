/** Tells equal JSON values from different ones, in a time that is linear in their size. */

/**
 * Gives equal values equal numbers. Each object is read once, however many values hold it, so that a value and the
 * values within it cost no more than the outermost one. For values of a bounded depth.
 */
export class JsonIdentity {
  readonly #byText = new Map<string, number>();
  readonly #byObject = new Map<object, number>();

  numberOf(value: unknown): number {
    if (typeof value !== "object" || value === null) return this.#numbered(JSON.stringify(value) ?? "");
    let number = this.#byObject.get(value);
    if (number === undefined) {
      number = this.#numbered(this.#textOf(value));
      this.#byObject.set(value, number);
    }
    return number;
  }

  /** The value as text, with the number of each value in it. */
  #textOf(value: object): string {
    if (Array.isArray(value)) return `[${value.map((inner) => this.numberOf(inner)).join(",")}]`;
    const members = Object.entries(value).map(
      ([name, inner]) => `${JSON.stringify(name)}:${this.numberOf(inner)}`,
    );
    return `{${members.join(",")}}`;
  }

  #numbered(text: string): number {
    let number = this.#byText.get(text);
    if (number === undefined) {
      number = this.#byText.size;
      this.#byText.set(text, number);
    }
    return number;
  }
}
