import { ReaderError } from "../ledger/reader/ledger-reader.ts";
import { AdminError } from "./admin-error.ts";

/** Asks the ledger's reader; its failures become errors for the caller. */
export async function fromReader<T>(asked: Promise<T>): Promise<T> {
  try {
    return await asked;
  } catch (error) {
    if (!(error instanceof ReaderError)) throw error;
    throw new AdminError(error.fault === "wrong" ? "bad_request" : "unavailable", error.message);
  }
}
