/** Long work in pieces, each in a turn of its own, so that streams go on meanwhile. */
import { setImmediate } from "node:timers/promises";

/** Work that says where it can be put aside. */
export type Pieces<Result> = Generator<void, Result, void>;

/** The others of the event loop come first between two pieces. */
export async function inTurns<Result>(pieces: Pieces<Result>): Promise<Result> {
  for (;;) {
    const { done, value } = pieces.next();
    if (done === true) return value;
    await setImmediate();
  }
}

/** All of it in this turn. */
export function atOnce<Result>(pieces: Pieces<Result>): Result {
  for (;;) {
    const { done, value } = pieces.next();
    if (done === true) return value;
  }
}
