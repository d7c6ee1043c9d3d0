/**
 * A kind of fault that people who run gateways report in public. Each kind is one file of `kinds/`; its tests
 * stand in the file of the same name beside this one. `script/field-page` writes `docs/field.md` from both.
 */
import { describe } from "bun:test";

export interface FieldKind {
  /** The name of the file in `kinds/` and of the test file, without an ending. */
  readonly id: string;
  /** The kind as a short noun phrase, as in "A limit that passes by itself". */
  readonly title: string;
  /** What a user gets from Clewline in every case of the kind: one to three sentences. */
  readonly promise: string;
  /** Public reports, as `owner/repository#number` or the address of a page of documentation. */
  readonly sources: readonly string[];
  /** What is not covered, and why; empty when nothing is known. */
  readonly open: readonly string[];
}

/**
 * The tests of a kind. Tests of the reported inputs say "reported:" first in their names; all others cover the kind
 * beyond them.
 */
export function describeKind(kind: FieldKind, tests: () => void): void {
  describe(`field ${kind.id}`, tests);
}
