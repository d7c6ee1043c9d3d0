/** Client keys: from the key in a request to the principal that the key stands for. */
import { hash, timingSafeEqual } from "node:crypto";
import { GatewayError } from "../core/errors.ts";
import type { HeaderView } from "../core/header-view.ts";

export interface Principal {
  /** The key's name in the config. */
  readonly name: string;
  /** A translation refuses a field that it would otherwise leave out. */
  readonly strict: boolean;
}

export interface KeyEntry {
  readonly name: string;
  readonly strict: boolean;
  /** SHA-256 of the key, lower-case hex. */
  readonly keySha256: string;
}

export type KeyRing = ReadonlyMap<string, Principal>;

/** Keys by digest, so that the time of a look-up does not show how much of a guess was right. */
export function makeKeyRing(keys: readonly KeyEntry[]): KeyRing {
  return new Map(keys.map((key) => [key.keySha256, Object.freeze({ name: key.name, strict: key.strict })]));
}

/** SHA-256 in lower-case hex. */
export function digestOf(key: string): string {
  return hash("sha256", key, "hex");
}

/** Compares two digests in constant time. */
export function isSameDigest(a: string, b: string): boolean {
  return a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b));
}

const KEY_HEADERS = ["x-api-key", "x-goog-api-key", "api-key"] as const;

/**
 * The principal of the first valid key, in this order: `Authorization: Bearer`, `x-api-key`,
 * `x-goog-api-key`, `api-key`, `?key=`. Returns null when no key is valid. `search` is the query with its
 * question mark, or "".
 */
export function authenticate(
  ring: KeyRing,
  headers: Pick<HeaderView, "get">,
  search: string,
): Principal | null {
  const authorization = headers.get("authorization");
  if (authorization !== null) {
    const found = ring.get(digestOf(bearerOf(authorization)));
    if (found !== undefined) return found;
  }
  for (const name of KEY_HEADERS) {
    const value = headers.get(name);
    if (value === null) continue;
    const found = ring.get(digestOf(value.trim()));
    if (found !== undefined) return found;
  }
  const queryKey = search.includes("key=") ? new URLSearchParams(search).get("key") : null;
  return queryKey === null ? null : (ring.get(digestOf(queryKey)) ?? null);
}

export function unauthenticated(): GatewayError {
  return new GatewayError(
    "unauthenticated",
    "no valid key was sent; send a client key of this gateway as Authorization: Bearer, x-api-key, x-goog-api-key, api-key or ?key=",
  );
}

/** The token of an `Authorization: Bearer` value; the value itself when it has no scheme. */
export function bearerOf(authorization: string): string {
  if (authorization.startsWith("Bearer ")) return authorization.slice(7).trim();
  return authorization.slice(0, 7).toLowerCase() === "bearer "
    ? authorization.slice(7).trim()
    : authorization.trim();
}
