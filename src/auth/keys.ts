/** Client keys: from the key in a request to the principal that the key stands for. */

import { hasBudget, type KeyConfig, type KeyLimits, type TeamConfig } from "../config/client-keys.ts";
import { type AddressList, makeAddressList } from "../core/addresses/address-list.ts";
import type { Clock } from "../core/clock.ts";
import { GatewayError } from "../core/errors.ts";
import { type Glob, makeExactGlob } from "../core/glob.ts";
import { sha256Hex } from "../core/hash.ts";
import type { HeaderView } from "../core/header-view.ts";

/** Who a key stands for, and what the key may do. Frozen. */
export interface Principal extends Omit<KeyConfig, "addresses" | "limits"> {
  /** The addresses from which the key may be used; null: all. */
  readonly addresses: AddressList | null;
  /** Of `models`, compiled; null: all models. */
  readonly modelGlobs: readonly Glob[] | null;
  /**
   * The limits of the key, all of them null when only its team has limits. null: neither has any, so nothing needs to be
   * reserved.
   */
  readonly limits: KeyLimits | null;
}

export type KeyRing = ReadonlyMap<string, Principal>;

/** Limits of a key that has none itself, in a team that has. */
const ONLY_OF_TEAM: KeyLimits = Object.freeze({
  requestsPerMinute: null,
  tokensPerMinute: null,
  concurrency: null,
  budgetPerDayNanoUsd: null,
  budgetPerWeekNanoUsd: null,
  budgetPerMonthNanoUsd: null,
  timeZone: "UTC",
  perModel: [],
});

/** Keys by digest, so that the time of a look-up does not show how much of a guess was right. */
export function makeKeyRing(keys: readonly KeyConfig[], teams: readonly TeamConfig[] = []): KeyRing {
  return new Map(keys.map((key) => [key.keySha256, makePrincipal(key, teams)]));
}

/** `teams`: those of the configuration; a team with a budget limits its keys. */
export function makePrincipal(key: KeyConfig, teams: readonly TeamConfig[] = []): Principal {
  const hasTeamLimits = teams.some((team) => team.name === key.team && hasBudget(team));
  return Object.freeze({
    ...key,
    addresses: key.addresses === null ? null : makeAddressList(key.addresses),
    modelGlobs: key.models === null ? null : key.models.map(makeExactGlob),
    limits: key.limits ?? (hasTeamLimits ? ONLY_OF_TEAM : null),
  });
}

/** SHA-256 in lower-case hex. */
export function digestOf(key: string): string {
  return sha256Hex(key);
}

/** Compares two digests in constant time. */
export function isSameDigest(a: string, b: string): boolean {
  const [one, other] = [Buffer.from(a), Buffer.from(b)];
  return one.length === other.length && crypto.timingSafeEqual(one, other);
}

/**
 * The header for a client whose other headers show its own login at a provider. It comes first, so that such a login is
 * never taken for a key, and it never goes on.
 */
export const OWN_KEY_HEADER = "x-clewline-key";
const KEY_HEADERS = ["x-api-key", "x-goog-api-key", "api-key"] as const;

/**
 * The principal of the first valid key, in this order: `x-clewline-key`, `Authorization: Bearer`, `x-api-key`,
 * `x-goog-api-key`, `api-key`, `?key=`. Returns null when no key is valid. `search` is the query with its
 * question mark, or "".
 */
export function authenticate(
  ring: KeyRing,
  headers: Pick<HeaderView, "get">,
  search: string,
): Principal | null {
  const own = headers.get(OWN_KEY_HEADER);
  if (own !== null) {
    const found = ring.get(digestOf(own.trim()));
    if (found !== undefined) return found;
  }
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

/**
 * Why a key may not be used at this moment, or from this address; null: it may. `addressOf` gives null for an address
 * that is not known, and is called for a key with a list of addresses only.
 */
export function findKeyRefusal(
  principal: Principal,
  nowMs: number,
  addressOf: () => string | null,
): GatewayError | null {
  const { expiresAtMs, addresses } = principal;
  if (expiresAtMs !== null && nowMs >= expiresAtMs) return keyExpired(expiresAtMs);
  if (addresses === null) return null;
  const address = addressOf();
  if (address !== null && addresses.has(address)) return null;
  return new GatewayError(
    "key_forbidden",
    `this key may not be used from the address ${address ?? "of this connection"}; use it from one of its addresses, or have yours added to them`,
  );
}

/**
 * Why a key that was valid when its request came is not any more; null: it still is. A look-up by digest, so that a
 * request may ask before each of its attempts.
 */
export function findEndOfKey(
  ring: KeyRing,
  principal: Principal,
  clock: Pick<Clock, "nowMs">,
): GatewayError | null {
  const now = ring.get(principal.keySha256);
  if (now === undefined || now.name !== principal.name) {
    return new GatewayError(
      "unauthenticated",
      "this key was revoked while its request waited; use another key",
    );
  }
  const { expiresAtMs } = now;
  return expiresAtMs !== null && clock.nowMs() >= expiresAtMs ? keyExpired(expiresAtMs) : null;
}

function keyExpired(atMs: number): GatewayError {
  const at = new Date(atMs).toISOString();
  return new GatewayError(
    "unauthenticated",
    `this key has expired (${at}); ask for a new one, or for a later end`,
  );
}

export function unauthenticated(): GatewayError {
  return new GatewayError(
    "unauthenticated",
    "no valid key was sent; send a client key of this gateway as Authorization: Bearer, x-api-key, x-goog-api-key, api-key, x-clewline-key or ?key=",
  );
}

/** The token of an `Authorization: Bearer` value; the value itself when it has no scheme. */
export function bearerOf(authorization: string): string {
  if (authorization.startsWith("Bearer ")) return authorization.slice(7).trim();
  return authorization.slice(0, 7).toLowerCase() === "bearer "
    ? authorization.slice(7).trim()
    : authorization.trim();
}
