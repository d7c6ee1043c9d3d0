/** Query parameters that may be passed to an upstream: their values, and sets of them. */

export const NUMBER = /^\d{1,19}$/;
/** Ids, tokens of pages and versions: nothing that a server reads as more than a name. */
export const ID = /^[\w.:/+=~-]{1,2048}$/;

const FLAG = /^(?:true|false)$/;
const NAMES = /^[\w.,]{1,512}$/;

/** OpenAI's parameters of stored objects, their lists and their streams; `api-version` on Azure. */
export const STORED_QUERY = {
  limit: NUMBER,
  order: /^(?:asc|desc)$/,
  after: ID,
  before: ID,
  "api-version": ID,
  stream: FLAG,
  starting_after: NUMBER,
  include: NAMES,
  "include[]": NAMES,
  include_obfuscation: FLAG,
} as const;
