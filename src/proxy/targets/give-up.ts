/** The client's error when no target has answered its request. */
import { GatewayError } from "../../core/errors.ts";
import { retryAfterS } from "../../dialects/shared/retry-header.ts";
import type { Unavailable } from "../../pool/credential.ts";
import { refusalIn } from "../../pool/park.ts";
import type { CurrentTarget } from "../attempt/current-target.ts";
import type { AttemptFailure } from "../attempt/outcome.ts";
import { comingBackAfter } from "../attempt/upstream-error.ts";
import { foreignDialect } from "../refusals.ts";
import type { Outcome } from "../walk.ts";

/** The reasons why no target has answered so far. Made with the first: most requests meet none. */
export class Obstacles {
  /** Pools that had no credential to lease. */
  unavailable: Unavailable[] = [];
  /** Targets whose credentials are all limited, until a time or until a lease ends. */
  readonly limited = new Set<CurrentTarget>();
  /** Upstreams that have nothing like the client's route. */
  readonly foreign: string[] = [];
  /** The last failure that says the model, or so large a request, is not for the credential. */
  forbidden: AttemptFailure | null = null;
  /** The first target's reason why it cannot take the request. */
  untranslatable: GatewayError | null = null;
  isBreakerOpen = false;

  /** What stood in the way before a wait does not after it. */
  forgetLimits(): void {
    this.unavailable = this.unavailable.filter((one) => !isLimited(one));
    this.limited.clear();
  }

  /** The target cannot take the request. Throws anything else. */
  noteRefusal(cause: unknown): void {
    const isRefusal =
      cause instanceof GatewayError && (cause.kind === "not_translatable" || cause.kind === "bad_request");
    if (!isRefusal) throw cause;
    this.untranslatable ??= cause;
  }
}

/** One of the credentials may be free soon. */
export function isLimited({ kind }: Unavailable): boolean {
  return kind === "cooling" || kind === "full" || kind === "tried";
}

/** The time to come back where no upstream has named one. */
const COME_BACK_MS = 1_000;

/**
 * The obstacle that helps the client most: a time to come back first, then the upstream's own words, then the
 * rest. `overload` is the last failure of that kind, `dialect` the client's, `nowMs` in Unix milliseconds.
 */
export function giveUp(
  obstacles: Obstacles,
  overload: AttemptFailure | null,
  dialect: string,
  nowMs: number,
): Outcome {
  const reason = reasonOf(obstacles, overload, dialect, nowMs);
  return reason instanceof GatewayError ? { kind: "error", error: reason } : outcomeOf(reason);
}

function reasonOf(
  obstacles: Obstacles,
  overload: AttemptFailure | null,
  dialect: string,
  nowMs: number,
): GatewayError | AttemptFailure {
  const { unavailable, untranslatable, foreign } = obstacles;
  const failure = overload ?? obstacles.forbidden;
  const cooling = unavailable.filter(
    (one) => (one.kind === "cooling" && !isRefused(one)) || one.kind === "full",
  );
  if (cooling.length > 0) {
    const retryAtMs = Math.min(...cooling.map((one) => retryAtOf(one) ?? nowMs + COME_BACK_MS));
    const retryAfterMs = Math.max(retryAtMs - nowMs, 1_000);
    return new GatewayError(
      "credentials_cooling",
      `no credential for this model is ready; try again in ${Math.ceil(retryAfterMs / 1_000)}s (${counted(cooling)})`,
      { retryAfterMs },
    );
  }
  if (failure !== null) return failure;
  if (untranslatable !== null) return untranslatable;
  if (obstacles.isBreakerOpen) {
    return new GatewayError(
      "upstream_overloaded",
      "the upstream has failed many times in a row for this model; the gateway tries it again every second",
      { retryAfterMs: 1_000 },
    );
  }
  if (unavailable.some(({ kind }) => kind === "tried")) {
    return new GatewayError(
      "credentials_cooling",
      "the upstream refused each credential for this model, but one is ready again; try again in 1s",
      { retryAfterMs: COME_BACK_MS },
    );
  }
  if (unavailable.length > 0) return new GatewayError("credentials_unusable", whyUnusable(unavailable));
  return foreignDialect(dialect, foreign);
}

/** null: whenever a running request ends. */
function retryAtOf({ retryAtMs, mayFreeSoon }: Unavailable): number | null {
  return mayFreeSoon ? null : retryAtMs;
}

/** The failure ends the request. */
export function outcomeOf(failure: AttemptFailure): Outcome {
  if (failure.refusing !== undefined) return { kind: "refusing", answer: failure.refusing };
  const { upstreamReply, error, signal } = withRetryAfter(failure);
  return upstreamReply === null
    ? { kind: "error", error }
    : { kind: "upstream-error", reply: upstreamReply, error, signal };
}

/** Tells the client of an overloaded upstream when to try again. */
function withRetryAfter(failure: AttemptFailure): AttemptFailure {
  const { signal, error, upstreamReply } = failure;
  if (signal.class !== "overload" || failure.isRedirect === true) return failure;
  const retryAfterMs = error.retryAfterMs ?? COME_BACK_MS;
  const headers = { "retry-after": String(retryAfterS(retryAfterMs)), ...upstreamReply?.headers };
  return {
    ...failure,
    error: comingBackAfter(error, retryAfterMs),
    upstreamReply: upstreamReply === null ? null : { ...upstreamReply, headers },
  };
}

/**
 * The provider has refused the credentials themselves, so that no waiting helps, although they will be asked again: whoever
 * runs the gateway must know at once.
 */
function isRefused({ reasons }: Unavailable): boolean {
  return (
    reasons.some(({ reason }) => refusalIn(reason) !== null) &&
    reasons.every(
      ({ state, reason }) => state === "off" || state === "forbidden" || refusalIn(reason) !== null,
    )
  );
}

/** Names upstreams and no credential: what a gateway's credentials are called is not for its clients. */
function whyUnusable(unavailable: readonly Unavailable[]): string {
  const said = new Set<string>();
  for (const { credential, reason } of unavailable.flatMap(({ reasons }) => reasons)) {
    const refusal = refusalIn(reason);
    if (refusal !== null) said.add(`${credential.slice(0, credential.indexOf("/"))}: ${refusal}`);
  }
  return said.size === 0
    ? `no credential for this model can be used until a person acts (${counted(unavailable)}); see \`clewline credentials\``
    : `the provider refuses this gateway's credentials for the model (${[...said].join("; ")}); a person has to repair that, see \`clewline credentials\``;
}

/** As in "2 cooling, 1 invalid". */
function counted(unavailable: readonly Unavailable[]): string {
  const counts = new Map<string, number>();
  for (const { reasons } of unavailable) {
    for (const { state } of reasons) counts.set(state, (counts.get(state) ?? 0) + 1);
  }
  return [...counts].map(([state, count]) => `${count} ${state}`).join(", ");
}
