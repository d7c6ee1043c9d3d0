/**
 * Builds an object with only those members of JSON bytes that a shape names. Other members are never decoded.
 */
import { decodeUtf8 } from "./bytes.ts";
import { JsonScanner, type ScanStatus } from "./json-scan.ts";
import type { ShapeNode } from "./json-shape.ts";
import type { JsonSink } from "./json-sink.ts";

/** Further elements of an array are scanned but not kept. */
const MAX_ELEMENTS = 256;

/** Receives an element of the root array and the offset after its end. The element is not kept. */
export type ElementHandler = (element: unknown, end: number) => void;

/**
 * Picks members out of one JSON value that arrives in pieces. A value longer than the scanner's bound reads
 * as `true`: the member exists, but its value is unknown.
 */
export class JsonPicker implements JsonSink {
  readonly #scanner: JsonScanner;
  readonly #onElement: ElementHandler | null;
  readonly #containers: (Record<string, unknown> | unknown[])[] = [];
  #root: unknown;

  constructor(shape: ShapeNode, onElement: ElementHandler | null = null) {
    this.#scanner = new JsonScanner(shape, this);
    this.#onElement = onElement;
  }

  get status(): ScanStatus {
    return this.#scanner.status;
  }

  /** The members picked so far; undefined before the root begins. */
  get root(): unknown {
    return this.#root;
  }

  push(bytes: Uint8Array): void {
    this.#scanner.push(bytes);
  }

  open(node: ShapeNode, _start: number, isArray: boolean): void {
    const container = isArray ? [] : {};
    if (this.#containers.length === 0) this.#root = container;
    else this.#attach(node, container);
    this.#containers.push(container);
  }

  close(_node: ShapeNode, end: number): void {
    const container = this.#containers.pop();
    if (this.#containers.length === 1) this.#endElement(container, end);
  }

  value(
    node: ShapeNode,
    _start: number,
    end: number,
    bytes: Uint8Array | null,
    from: number,
    to: number,
  ): void {
    const value = bytes === null ? true : parseRange(bytes, from, to);
    if (this.#containers.length === 0) this.#root = value;
    this.#attach(node, value);
    if (this.#containers.length === 1) this.#endElement(value, end);
  }

  #attach(node: ShapeNode, value: unknown): void {
    const container = this.#containers[this.#containers.length - 1];
    if (!Array.isArray(container)) {
      if (container !== undefined) container[node.name] = value;
    } else if (
      container.length < MAX_ELEMENTS &&
      !(this.#onElement !== null && this.#containers.length === 1)
    ) {
      container.push(value);
    }
  }

  #endElement(element: unknown, end: number): void {
    if (this.#onElement !== null && Array.isArray(this.#root)) this.#onElement(element, end);
  }
}

function parseRange(bytes: Uint8Array, from: number, to: number): unknown {
  try {
    return JSON.parse(decodeUtf8(bytes, from, to));
  } catch {
    // The scanner does not check the inside of values. A value that is not JSON counts as absent.
    return undefined;
  }
}

/** Picks from a complete body; undefined when the body is not a JSON object or array. */
export function pickJson(shape: ShapeNode, bytes: Uint8Array): unknown {
  const picker = new JsonPicker(shape);
  picker.push(bytes);
  return picker.status === "closed" ? picker.root : undefined;
}
