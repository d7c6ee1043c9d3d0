import { ReaderError } from "../ledger/reader/ledger-reader.ts";
import { AdminError } from "./admin-error.ts";
import type { AdminContext } from "./context.ts";
import { soon } from "./soon.ts";

/** A page does not wait longer for all that it asks of the ledger. */
const WAIT_MS = 15_000;
const RETRY_AFTER_S = 5;

/** Work that asks the ledger's reader. Failures of the reader, and its silence, become errors for the caller. */
export async function inTime<T extends object>(
  { reportWaitMs = WAIT_MS }: Pick<AdminContext, "reportWaitMs">,
  work: () => Promise<T>,
): Promise<T> {
  try {
    const done = await soon(work(), reportWaitMs);
    if (done !== null) return done;
  } catch (error) {
    if (!(error instanceof ReaderError)) throw error;
    throw error.fault === "wrong" ? new AdminError("bad_request", error.message) : unavailable(error.message);
  }
  throw unavailable(`the ledger has not answered within ${reportWaitMs / 1_000} s`);
}

function unavailable(why: string): AdminError {
  return new AdminError("unavailable", `the ledger cannot be read now: ${why}`, {
    repair: "try again in a moment; ask for a shorter time if that does not help",
    retryAfterS: RETRY_AFTER_S,
  });
}
