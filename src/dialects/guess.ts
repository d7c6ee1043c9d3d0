/** The dialect of a request that no endpoint tells: by its path, else by its headers. */
import type { DialectName } from "./dialect.ts";
import { DIALECTS } from "./index.ts";

/** For requests that nothing tells apart. */
export const DEFAULT_DIALECT: DialectName = "openai-chat";

/** The dialect in which to refuse a path that may lead nowhere. */
export function guessDialect(path: string, headers: Pick<Headers, "has">): DialectName {
  const spoken = Object.values(DIALECTS).find((dialect) => dialect.isSpokenAt(path));
  return spoken?.name ?? dialectOfHeaders(headers);
}

/** The dialect of a path that clients of several dialects use, as `/v1/models`. */
export function dialectOfHeaders(headers: Pick<Headers, "has">): DialectName {
  const spoken = Object.values(DIALECTS).find((dialect) => dialect.isSpokenBy(headers));
  return spoken?.name ?? DEFAULT_DIALECT;
}
