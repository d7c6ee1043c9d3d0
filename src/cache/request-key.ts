/**
 * The key of a request in the cache: a hash over everything that decides its answer. It is keyed by a secret, so that a
 * key says nothing about a prompt to people who do not know the secret, not even to those who guess the prompt.
 */
import { hmacSha256 } from "../core/hash.ts";

/**
 * `facts`: texts beside the body that decide the answer; their number and order are the same for all requests. Each is
 * hashed with its length, so that no two lists give the same bytes.
 */
export function requestKey(secret: Uint8Array, facts: readonly string[], body: string): string {
  const hmac = hmacSha256(secret);
  for (const fact of facts) hmac.update(`${Buffer.byteLength(fact)}:${fact}`);
  hmac.update(body);
  return hmac.digest("base64url");
}
