import type { Clock } from "../core/clock.ts";
import type { CredentialStatus, PooledCredential } from "./credential.ts";
import { factsOf, isDue } from "./park.ts";

/** A credential as commands and metrics show it. */
export function statusOf(
  { spec, park, models, inFlight, account, counter }: PooledCredential,
  clock: Clock,
): CredentialStatus {
  const nowMs = clock.nowMs();
  const { id, upstream, name, priority } = spec;
  return {
    id,
    upstream,
    name,
    priority,
    isOfCallers: spec.isOfCallers === true,
    inFlight,
    ...factsOf(park, nowMs),
    models: [...models]
      .filter(([, modelPark]) => !isDue(modelPark, nowMs))
      .map(([model, modelPark]) => ({ model, ...factsOf(modelPark, nowMs) })),
    owner: account.owner,
    quotas: Array.from(account.books()).flatMap(([model, book]) =>
      book.list(nowMs).map((quota) => ({ model, ...quota })),
    ),
    limits: counter?.list(inFlight, nowMs, clock.monotonicMs()) ?? [],
  };
}
