/** Whether the cache is on for a request: the operator's words for its key and its model, and the client's header. */
import type { CacheMode } from "../config/client-keys.ts";
import { GatewayError } from "../core/errors.ts";

export const CACHE_HEADER = "x-clewline-cache";

export interface CacheWish {
  /** `repeatable`: for requests alone whose answer repeats by itself. */
  readonly mode: Exclude<CacheMode, "off">;
  /** The answer is made anew, and takes the place of the one that is kept. */
  readonly isRefresh: boolean;
}

/** What decides, from the key, the `[[models]]` entry and the request. null: nobody said anything. */
export interface CacheSettings {
  readonly ofKey: CacheMode | null;
  readonly ofModel: CacheMode | null;
  /** The key may ask for the cache by the header. */
  readonly mayAsk: boolean;
  readonly header: string | null;
}

/**
 * null: the cache is off for the request. The operator's `off` stands above all else, then the client's header, then the
 * wider one of the operator's words. Throws `bad_request` for a header that says nothing known, and `key_forbidden` for a
 * key that may not ask.
 */
export function cacheWish({ ofKey, ofModel, mayAsk, header }: CacheSettings): CacheWish | null {
  const asked = header === null ? null : askedBy(header, mayAsk);
  if (ofKey === "off" || ofModel === "off" || asked === "off") return null;
  if (asked !== null) return { mode: "all", isRefresh: asked === "refresh" };
  if (ofKey === "all" || ofModel === "all") return ALL;
  return ofKey === null && ofModel === null ? null : REPEATABLE;
}

const ALL: CacheWish = Object.freeze({ mode: "all", isRefresh: false });
const REPEATABLE: CacheWish = Object.freeze({ mode: "repeatable", isRefresh: false });

/** Everybody may ask to be left out. */
function askedBy(header: string, mayAsk: boolean): "on" | "off" | "refresh" {
  const word = header.trim().toLowerCase();
  if (word !== "on" && word !== "off" && word !== "refresh") {
    throw new GatewayError(
      "bad_request",
      `the header ${CACHE_HEADER} is "${header.slice(0, 40)}"; send on, off or refresh, or leave it out`,
    );
  }
  if (word === "off" || mayAsk) return word;
  throw new GatewayError(
    "key_forbidden",
    `this key may not ask for the cache; leave the header ${CACHE_HEADER} out, or have cache_header set for the key`,
  );
}
