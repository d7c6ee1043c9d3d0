/**
 * The peek at the members that requests of all dialects may have: model, stream, and the id of state at the
 * provider.
 */
import { GatewayError } from "../../core/errors.ts";
import { decodeUtf8 } from "../../wire/bytes.ts";
import type { ShapeNode } from "../../wire/json-shape.ts";
import type { PeekSink } from "../dialect.ts";

/**
 * Takes `model` and `stream`; any other member that the shape names, and no subclass takes, is an id of
 * state.
 */
export class RequestPeek implements PeekSink {
  model: string | null = null;
  modelStart = -1;
  modelEnd = -1;
  stream = false;
  insertAt = -1;
  stateId: string | null = null;
  stateField: string | null = null;

  open(node: ShapeNode, start: number): void {
    if (node.path === "") this.insertAt = start + 1;
  }

  close(_node: ShapeNode, _end: number): void {}

  value(
    node: ShapeNode,
    start: number,
    end: number,
    bytes: Uint8Array | null,
    from: number,
    to: number,
  ): void {
    switch (node.path) {
      case "model":
        this.#takeModel(start, end, bytes, from, to);
        break;
      case "stream":
        this.stream = readStream(bytes, from, to, start);
        break;
      default: {
        const id = readString(bytes, from, to);
        if (id === null || id === "") return;
        this.stateId = id;
        this.stateField = node.path;
      }
    }
  }

  #takeModel(start: number, end: number, bytes: Uint8Array | null, from: number, to: number): void {
    if (this.modelStart !== -1) {
      throw new GatewayError(
        "bad_request",
        `"model" is given twice (at byte ${this.modelStart} and byte ${start}); give it once`,
        { param: "model" },
      );
    }
    const model = readString(bytes, from, to);
    if (model === null) {
      const fault = bytes === null ? "is too long" : "is not a string";
      throw new GatewayError(
        "bad_request",
        `"model" ${fault} (at byte ${start}); send the name of a model as a JSON string`,
        { param: "model" },
      );
    }
    this.model = model;
    this.modelStart = start;
    this.modelEnd = end;
  }
}

/** null: no boolean. */
export function readFlag(bytes: Uint8Array | null, from: number, to: number): boolean | null {
  return asFlag(bytes === null ? "" : decodeUtf8(bytes, from, to));
}

function asFlag(text: string): boolean | null {
  return text === "true" ? true : text === "false" ? false : null;
}

function readStream(bytes: Uint8Array | null, from: number, to: number, start: number): boolean {
  const text = bytes === null ? "" : decodeUtf8(bytes, from, to);
  const flag = asFlag(text);
  if (flag === null && text !== "null") {
    throw new GatewayError(
      "bad_request",
      `"stream" is not true or false (at byte ${start}); send a JSON boolean`,
      { param: "stream" },
    );
  }
  return flag ?? false;
}

/** null: no string, or a string over the scanner's bound. */
export function readString(bytes: Uint8Array | null, from: number, to: number): string | null {
  if (bytes === null) return null;
  const text = decodeUtf8(bytes, from, to);
  if (text.charCodeAt(0) !== 0x22) return null;
  if (!text.includes("\\")) return text.slice(1, -1);
  try {
    return JSON.parse(text) as string;
  } catch {
    // A broken escape: no parser would take the string.
    return null;
  }
}
