/** The states of keys that a gateway has taken over and not used yet. */
import type { CredentialSpec, PersistedState } from "./credential.ts";

/**
 * A ready state for each credential whose key `known` has no state of: the database then tells which keys the gateway
 * uses, whether they have failed or not.
 */
export function firstStates(
  specs: readonly CredentialSpec[],
  known: readonly PersistedState[],
  nowMs: number,
): readonly PersistedState[] {
  const fingerprints = new Map(
    known
      .filter(({ model }) => model === null)
      .map(({ upstream, credential, fingerprint }) => [`${upstream}/${credential}`, fingerprint]),
  );
  return specs
    .filter(({ id, fingerprint }) => fingerprints.get(id) !== fingerprint)
    .map(({ upstream, name, fingerprint }) => ({
      upstream,
      credential: name,
      model: null,
      state: "ready",
      reason: "",
      untilMs: null,
      sinceMs: nowMs,
      strikes: 0,
      fingerprint,
    }));
}
