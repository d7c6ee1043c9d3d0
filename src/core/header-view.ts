/** HTTP headers to read: `Headers`, or a plain list, which costs a fraction of `Headers`. */
export interface HeaderView {
  /** `name` in lower case. Several values are joined by ", "; null: no such header. */
  get(name: string): string | null;
  /** Names in lower case. */
  forEach(callback: (value: string, name: string) => void): void;
}

/** Headers to send, in order, with names in lower case. */
export type HeaderLines = readonly (readonly [name: string, value: string])[];

function addLine(this: (readonly [name: string, value: string])[], value: string, name: string): void {
  this.push([name, value]);
}

/** Headers in the order in which they came, each name once. */
export class HeaderList implements HeaderView {
  readonly #lines: (readonly [name: string, value: string])[] = [];

  /** The same headers, read once. */
  static of(headers: Headers): HeaderList {
    const list = new HeaderList();
    // One function for all lists: it gets the list's lines as `this`.
    headers.forEach(addLine, list.#lines);
    return list;
  }

  get lines(): HeaderLines {
    return this.#lines;
  }

  /** `name` in lower case. Joins the values of a name that is already there, as `Headers` does. */
  append(name: string, value: string): void {
    const at = this.#indexOf(name);
    if (at < 0) this.#lines.push([name, value]);
    else this.#lines[at] = [name, `${this.#lines[at]?.[1]}, ${value}`];
  }

  get(name: string): string | null {
    const at = this.#indexOf(name);
    return at < 0 ? null : (this.#lines[at]?.[1] ?? null);
  }

  has(name: string): boolean {
    return this.#indexOf(name) >= 0;
  }

  delete(name: string): void {
    const at = this.#indexOf(name);
    if (at >= 0) this.#lines.splice(at, 1);
  }

  forEach(callback: (value: string, name: string) => void): void {
    // Runs for each reply: without the iterators of `for … of` and of the pair.
    const lines = this.#lines;
    for (let i = 0; i < lines.length; i++) {
      const line = lines[i] as readonly [name: string, value: string];
      callback(line[1], line[0]);
    }
  }

  #indexOf(name: string): number {
    const lines = this.#lines;
    for (let i = 0; i < lines.length; i++) {
      if ((lines[i] as readonly [string, string])[0] === name) return i;
    }
    return -1;
  }
}
