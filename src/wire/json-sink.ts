import type { ShapeNode } from "./json-shape.ts";

/** Receives the findings of a scanner. Offsets count from the first byte that was pushed. */
export interface JsonSink {
  /** A container that the shape goes into begins at `start`. */
  open(node: ShapeNode, start: number, isArray: boolean): void;
  /** That container ends before `end`. */
  close(node: ShapeNode, end: number): void;
  /**
   * A value from `start` to `end`. During the call, `bytes` holds the value from `from` to `to`. null: the
   * value is longer than the bound.
   */
  value(
    node: ShapeNode,
    start: number,
    end: number,
    bytes: Uint8Array | null,
    from: number,
    to: number,
  ): void;
}
