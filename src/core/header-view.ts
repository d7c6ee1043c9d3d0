/** What is read of HTTP headers: `Headers` fits, and so does a plain list, which costs a fraction of it. */
export interface HeaderView {
  /** The value under a lower-case name, several ones joined by ", "; null when there is none. */
  get(name: string): string | null;
  /** Names in lower case. */
  forEach(callback: (value: string, name: string) => void): void;
}

/** Headers to send, in order, with names in lower case. */
export type HeaderLines = readonly (readonly [name: string, value: string])[];

/** Headers as they came, in order. Names are stored in lower case. */
export class HeaderList implements HeaderView {
  readonly #names: string[] = [];
  readonly #values: string[] = [];

  /** `name` in lower case. A name that is there already gets its values joined, as `Headers` does. */
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
