/** HTTP headers to read: `Headers`, or a plain list, which costs a fraction of `Headers`. */
export interface HeaderView {
  /** `name` in lower case. Several values are joined by ", "; null: no such header. */
  get(name: string): string | null;
  /** Names in lower case. */
  forEach(callback: (value: string, name: string) => void): void;
}

/** Headers to send, in order, with names in lower case. */
export type HeaderLines = readonly (readonly [name: string, value: string])[];

/** Headers in the order in which they came. */
export class HeaderList implements HeaderView {
  readonly #names: string[] = [];
  readonly #values: string[] = [];

  /** `name` in lower case. Joins the values of a name that is already there, as `Headers` does. */
  append(name: string, value: string): void {
    const at = this.#names.indexOf(name);
    if (at < 0) {
      this.#names.push(name);
      this.#values.push(value);
    } else {
      this.#values[at] = `${this.#values[at]}, ${value}`;
    }
  }

  get(name: string): string | null {
    const at = this.#names.indexOf(name);
    return at < 0 ? null : (this.#values[at] as string);
  }

  delete(name: string): void {
    const at = this.#names.indexOf(name);
    if (at < 0) return;
    this.#names.splice(at, 1);
    this.#values.splice(at, 1);
  }

  forEach(callback: (value: string, name: string) => void): void {
    for (let i = 0; i < this.#names.length; i++)
      callback(this.#values[i] as string, this.#names[i] as string);
  }
}
