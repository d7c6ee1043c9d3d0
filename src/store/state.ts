/** What the pool and the relay must remember over a restart: states of credentials, and who made which provider-side state. */

/** The last known state of a credential (model null), or of a credential for one model. */
export interface CredentialStateRow {
  readonly upstream: string;
  readonly credential: string;
  readonly model: string | null;
  readonly state: string;
  readonly reason: string;
  readonly untilMs: number | null;
  readonly sinceMs: number;
  readonly strikes: number;
  /** Tells whether the credential's secret is still the same one. */
  readonly fingerprint: string;
}

/** An id of something that lives at the provider under one credential (a stored response, a container, a thread). */
export interface StateId {
  readonly id: string;
  readonly upstream: string;
  /** Name of the credential that made it. */
  readonly credential: string;
  readonly atMs: number;
}
