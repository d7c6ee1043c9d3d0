/**
 * Assembles the arguments of a call from pieces. Vertex AI sends each piece with a JSONPath (RFC 9535) to its
 * place.
 */
import { MAX_DEPTH } from "../../neutral/tools/depth.ts";
import { asArray, asObject } from "../../wire/json.ts";

/** The entries that the pieces of one call may leave out of lists, for each piece: an upstream can write any index. */
const GAPS_PER_PIECE = 8;

type Key = string | number;
/** Without a prototype, so that no key has a meaning. */
type Node = Record<Key, unknown>;

export class PartialArguments {
  readonly #root: Node = Object.create(null) as Node;
  /** The path whose string the next piece continues. */
  #openPath: string | null = null;
  /** The entries that may still be left out. */
  #gaps = 0;

  /** Adds the pieces of one part. Returns false when a piece makes no sense. */
  add(pieces: unknown): boolean {
    for (const entry of asArray(pieces)) {
      const piece = asObject(entry);
      if (piece === null || typeof piece.jsonPath !== "string") return false;
      this.#gaps += GAPS_PER_PIECE;
      const keys = parsePath(piece.jsonPath);
      if (keys === null || keys.length === 0 || keys.length > MAX_DEPTH) return false;
      const value = valueIn(piece);
      // A piece without a value only says whether more pieces follow.
      if (value !== undefined && !this.#put(keys, value, this.#openPath === piece.jsonPath)) return false;
      this.#openPath = piece.willContinue === true ? piece.jsonPath : null;
    }
    return true;
  }

  /** The arguments so far, as JSON text. */
  text(): string {
    return JSON.stringify(this.#root);
  }

  #put(keys: readonly Key[], value: unknown, goesOn: boolean): boolean {
    let node = this.#root;
    for (let i = 0; i < keys.length - 1; i++) {
      if (!this.#fits(node, keys[i] as Key)) return false;
      let next = node[keys[i] as Key];
      if (typeof next !== "object" || next === null) {
        next = typeof keys[i + 1] === "number" ? [] : Object.create(null);
        fill(node, keys[i] as Key);
        node[keys[i] as Key] = next;
      }
      node = next as Node;
    }
    const last = keys[keys.length - 1] as Key;
    if (!this.#fits(node, last)) return false;
    const former = node[last];
    fill(node, last);
    node[last] = goesOn && typeof former === "string" && typeof value === "string" ? former + value : value;
    return true;
  }

  /** Whether the node can hold the key: lists take indexes near their end, objects take names. */
  #fits(node: Node, key: Key): boolean {
    if (!Array.isArray(node)) return typeof key === "string";
    if (typeof key !== "number") return false;
    const gap = Math.max(0, key - node.length);
    if (gap > this.#gaps) return false;
    this.#gaps -= gap;
    return true;
  }
}

function fill(node: Node, key: Key): void {
  if (!Array.isArray(node)) return;
  while (node.length < (key as number)) node.push(null);
}

function valueIn(piece: Readonly<Record<string, unknown>>): unknown {
  if (typeof piece.stringValue === "string") return piece.stringValue;
  if (typeof piece.numberValue === "number") return piece.numberValue;
  if (typeof piece.boolValue === "boolean") return piece.boolValue;
  return Object.hasOwn(piece, "nullValue") ? null : undefined;
}

const STEP = /\.([^.[\]]+)|\[(\d{1,9})\]|\['((?:[^'\\]|\\.)*)'\]|\["((?:[^"\\]|\\.)*)"\]/y;

/** The keys of a path such as `$.a.b[0]['c d']`; null for other text. */
function parsePath(path: string): Key[] | null {
  if (!path.startsWith("$")) return null;
  const keys: Key[] = [];
  STEP.lastIndex = 1;
  while (STEP.lastIndex < path.length) {
    const step = STEP.exec(path);
    if (step === null) return null;
    const [, name, index, single, double] = step;
    if (index !== undefined) keys.push(Number(index));
    else keys.push(name ?? (single ?? double ?? "").replace(/\\(.)/g, "$1"));
  }
  return keys;
}
