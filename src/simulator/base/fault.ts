// Scripted faults: the notation, and the number of requests that a fault lasts for.
// `rate-limit,reset=30` · `cut,slow,after=3,ms=5,times=1` · `anthropic/credit-too-low`

export interface Fault {
  readonly names: ReadonlySet<string>;
  readonly params: Readonly<Record<string, string>>;
  /** The text of the fault as it was written; the counter's key. */
  readonly source: string;
}

export const NO_FAULT: Fault = { names: new Set(), params: {}, source: "" };

/** A word alone is a name; `k=v` is a parameter that all names of the list share. */
export function parseFault(source: string): Fault {
  const names = new Set<string>();
  const params: Record<string, string> = {};
  for (const token of source.split(",").map((part) => part.trim())) {
    const equals = token.indexOf("=");
    if (equals > 0) {
      params[token.slice(0, equals)] = token.slice(equals + 1);
    } else if (token !== "") {
      names.add(token);
    }
  }
  return { names, params, source };
}

/** Splits a model name or a key from its fault suffix: `gpt-5~cut,after=2`. */
export function splitSuffix(text: string): { readonly plain: string; readonly fault: string } {
  const at = text.indexOf("~");
  return at < 0 ? { plain: text, fault: "" } : { plain: text.slice(0, at), fault: text.slice(at + 1) };
}

/** Joins faults. If several faults have one parameter, the first of them counts. */
export function mergeFaults(faults: readonly Fault[]): Fault {
  return {
    names: new Set(faults.flatMap((fault) => [...fault.names])),
    params: Object.assign({}, ...faults.map((fault) => fault.params).reverse()),
    source: faults.map((fault) => fault.source).join(","),
  };
}

/** A numeric parameter; undefined if it is absent or not a number. */
export function numberParam(fault: Fault, name: string): number | undefined {
  const text = fault.params[name];
  const value = text === undefined || text === "" ? Number.NaN : Number(text);
  return Number.isFinite(value) ? value : undefined;
}

const MAX_COUNTERS = 10_000;

/** Counts the requests of faults with `times=N`, per fault, key and model. */
export class FaultCounter {
  readonly #counts = new Map<string, number>();

  /** Whether the fault still applies. Counts this request. */
  strikes(fault: Fault, key: string, model: string): boolean {
    const times = numberParam(fault, "times");
    if (times === undefined) {
      return true;
    }
    const name = JSON.stringify([fault.source, key, model]);
    const count = this.#counts.get(name) ?? 0;
    if (this.#counts.size < MAX_COUNTERS || count > 0) {
      this.#counts.set(name, count + 1);
    }
    return count < times;
  }

  clear(): void {
    this.#counts.clear();
  }
}
