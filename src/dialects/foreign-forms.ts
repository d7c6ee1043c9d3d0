/** Requests in the words of another dialect than the one of their path. */
import { Buffer } from "node:buffer";
import { atOnce, inTurns, type Pieces } from "../core/turns.ts";
import { jsonText, parseRequestObject } from "../wire/json.ts";
import type { Dialect, DialectName, Peek, RewriteRequest } from "./dialect.ts";
import type { Route } from "./endpoint.ts";
import { DIALECTS } from "./index.ts";
import { peekRequest } from "./peek.ts";

/** A longer body is rewritten in pieces, with other requests served between them. */
const LARGE_BODY_BYTES = 256 * 1024;

/** A request that was peeked, by the book of its path's dialect. */
export interface BookRequest {
  readonly body: Uint8Array;
  readonly peek: Peek;
}

/** Those that were loaded. */
const rewrites = new Map<DialectName, RewriteRequest>();

/**
 * A body that is by the book, in a form that nobody knows, or longer than `limitBytes` comes back as it is. A promise only for
 * a body that may be foreign, if it is large or the first one. Throws `bad_request` as a peek does.
 */
export function peekByTheBook(
  { dialect, purpose }: Route,
  body: Uint8Array,
  limitBytes: number,
): BookRequest | Promise<BookRequest> {
  const given = { body, peek: peekRequest(dialect, body) };
  const { foreignForms }: Dialect = DIALECTS[dialect];
  if (foreignForms === undefined || purpose !== "answer" || body.byteLength > limitBytes) return given;
  if (!foreignForms.mayBeIn(body, given.peek)) return given;
  const rewrite = rewrites.get(dialect);
  if (rewrite !== undefined) return rewriteBy(rewrite, dialect, given);
  return foreignForms.loadRewrite().then((loaded) => {
    rewrites.set(dialect, loaded);
    return rewriteBy(loaded, dialect, given);
  });
}

function rewriteBy(
  rewrite: RewriteRequest,
  dialect: DialectName,
  given: BookRequest,
): BookRequest | Promise<BookRequest> {
  const pieces = rewritten(dialect, given, rewrite);
  return given.body.byteLength > LARGE_BODY_BYTES ? inTurns(pieces) : atOnce(pieces);
}

function* rewritten(dialect: DialectName, given: BookRequest, rewrite: RewriteRequest): Pieces<BookRequest> {
  yield;
  const parsed = parseRequestObject(given.body);
  if (parsed === null) return given;
  yield;
  const book = rewrite(parsed);
  yield;
  const text = jsonText(book);
  yield;
  // The bytes of a request that is by the book stay as they are.
  if (text === null || text === jsonText(parsed)) return given;
  yield;
  const body = Buffer.from(text);
  return { body, peek: peekRequest(dialect, body) };
}
