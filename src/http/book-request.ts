/** Reads a request by the book of its path's dialect, whatever words its client has used. */
import { type MemoryShare, memoryExhausted } from "../core/memory-budget.ts";
import type { Route } from "../dialects/endpoint.ts";
import { type BookRequest, peekByTheBook } from "../dialects/foreign-forms.ts";
import { COPIES } from "./body.ts";

/** A request whose body has been read. */
interface Asked {
  readonly route: Route;
  readonly memory: MemoryShare;
}

/** Gets the request: one of the two is called, once. */
export interface BookReader {
  bookRead(book: BookRequest): void;
  /** `bad_request` as a peek says, or `memory_exhausted`. */
  bodyFailed(cause: unknown): void;
}

/** Most requests are read at once: then `reader` is called before this returns, and what is thrown is thrown here. */
export function readByTheBook(
  accepted: Asked,
  given: Uint8Array,
  limitBytes: number,
  reader: BookReader,
): void {
  const read = peekByTheBook(accepted.route, given, limitBytes);
  if (read instanceof Promise) readLater(read, accepted, given, reader);
  else reader.bookRead(counted(read, given, accepted));
}

function readLater(
  reading: Promise<BookRequest>,
  accepted: Asked,
  given: Uint8Array,
  reader: BookReader,
): void {
  reading
    .then((book) => reader.bookRead(counted(book, given, accepted)))
    .catch((cause: unknown) => reader.bodyFailed(cause));
}

/** The book's body is held in place of the client's. */
function counted(book: BookRequest, given: Uint8Array, { memory }: Asked): BookRequest {
  const more = COPIES * (book.body.byteLength - given.byteLength);
  if (more < 0) memory.give(-more);
  else if (more > 0 && !memory.take(more)) throw memoryExhausted();
  return book;
}
