/** Client keys: from what a request shows to the principal that it stands for. */
import { hash, timingSafeEqual } from "node:crypto";

/** Who a client key stands for. */
export interface Principal {
  /** The key's name in the config. */
  readonly name: string;
  /** What a translation would leave out is refused instead. */
  readonly strict: boolean;
}

export interface KeyEntry {
  readonly name: string;
  readonly strict: boolean;
  /** SHA-256 of the key, lower-case hex. */
  readonly keySha256: string;
}

export type KeyRing = ReadonlyMap<string, Principal>;

/** Keys by digest: looking one up tells nothing about how much of a guess was right. */
export function makeKeyRing(keys: readonly KeyEntry[]): KeyRing {
  return new Map(keys.map((key) => [key.keySha256, Object.freeze({ name: key.name, strict: key.strict })]));
}

/** Lower-case hex SHA-256 of a key. */
export function digestOf(key: string): string {
  return hash("sha256", key, "hex");
}

/** Compares two digests in constant time. */
export function isSameDigest(a: string, b: string): boolean {
  return a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b));
}

const KEY_HEADERS = ["x-api-key", "x-goog-api-key", "api-key"] as const;

/**
 * Who sent this, by the first key that is valid, in this order: `Authorization: Bearer`, `x-api-key`, `x-goog-api-key`,
 * `api-key`, `?key=`. null when none is.
 */
export function authenticate(ring: KeyRing, headers: Headers, queryKey: string | null): Principal | null {
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
  return queryKey === null ? null : (ring.get(digestOf(queryKey)) ?? null);
}

/** The token of an `Authorization: Bearer` value; the value itself when it has no scheme. */
export function bearerOf(authorization: string): string {
  if (authorization.startsWith("Bearer ")) return authorization.slice(7).trim();
  return authorization.slice(0, 7).toLowerCase() === "bearer "
    ? authorization.slice(7).trim()
    : authorization.trim();
}
