/** Requests in the words of another dialect than the one of their path. */
import { Buffer } from "node:buffer";
import { jsonText, parseJsonObject } from "../wire/json.ts";
import type { Dialect, Peek } from "./dialect.ts";
import type { Route } from "./endpoint.ts";
import { DIALECTS } from "./index.ts";
import { peekRequest } from "./peek.ts";

/** A request that was peeked, by the book of its path's dialect. */
export interface BookRequest {
  readonly body: Uint8Array;
  readonly peek: Peek;
}

/** A body that is by the book, or in a form that nobody knows, comes back as it is. Throws `bad_request` as a peek does. */
export function peekByTheBook({ dialect, purpose }: Route, body: Uint8Array): BookRequest {
  const peek = peekRequest(dialect, body);
  const { foreignForms }: Dialect = DIALECTS[dialect];
  if (foreignForms === undefined || purpose !== "answer" || !foreignForms.mayBeIn(body, peek))
    return { body, peek };
  const parsed = parseJsonObject(body);
  const rewritten = parsed === null ? null : foreignForms.rewrite(parsed);
  const text = rewritten === null ? null : jsonText(rewritten);
  if (text === null) return { body, peek };
  const book = Buffer.from(text);
  return { body: book, peek: peekRequest(dialect, book) };
}
