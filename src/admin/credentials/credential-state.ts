/** The state of a credential in plain words, with the room that is left. */
import type { CredentialStatus } from "../../pool/credential.ts";
import type { LimitStanding } from "../../pool/credential-limits.ts";
import type { AwayUpstream } from "../../pool/health/reach.ts";
import { accusationIn, type StateFacts } from "../../pool/park.ts";
import type { ReplyOf } from "../contract.ts";

type Credential = ReplyOf<"resetCredential">["credential"];
type State = Credential["state"];
type Room = Credential["room"][number];

/** Why a person has taken a credential out, as the pool keeps it. */
export const PAUSED = "paused by a person";
export const DRAINED = "drained by a person";

/** `away`: that no connection to the credential's upstream can be made; null: nobody has found so. */
export function credentialState(status: CredentialStatus, away: AwayUpstream | null): Credential {
  const { id, upstream, name, priority, isOfCallers, inFlight, strikes, models, owner, untilMs } = status;
  const own = stateOf(status, inFlight);
  // What is wrong with the credential itself is the nearer reason.
  const state = own === "ready" && away !== null ? "unreachable" : own;
  return {
    id,
    upstream,
    name,
    priority,
    isOfCallers,
    state,
    reason: wordsOf(state, status),
    detail: state === "ready" ? "" : state === "unreachable" ? (away?.reason ?? "") : status.reason,
    key: state === "ready" || state === "unreachable" ? null : (status.clientKey ?? null),
    untilMs,
    sinceMs: state === "ready" ? null : state === "unreachable" ? (away?.sinceMs ?? null) : status.sinceMs,
    strikes,
    inFlight,
    models: models.map((facts) => {
      const { model, reason: detail, untilMs, clientKey: key = null } = facts;
      const state = stateOf(facts, 0);
      return { model, state, reason: wordsOf(state, facts), detail, key, untilMs };
    }),
    owner,
    room: [...ofProvider(status), ...status.limits.map(ofOperator)],
  };
}

function stateOf({ state, reason }: StateFacts, inFlight: number): State {
  if (state !== "off") return state;
  return reason === DRAINED && inFlight > 0 ? "draining" : "paused";
}

function wordsOf(state: State, { reason, untilMs }: StateFacts): string {
  const isDoubted = accusationIn(reason) !== null;
  switch (state) {
    case "ready":
      return "";
    case "unreachable":
      return "No connection to the upstream can be made. Requests and the gateway itself try it again.";
    case "cooling":
      return isDoubted
        ? "The provider has refused the key in one reply. It is asked again when the time is over."
        : "The provider limits requests now. It is asked again when the time is over.";
    case "exhausted":
      if (isDoubted) return "The provider has said in one reply that there is no credit. It is asked again.";
      return untilMs === null
        ? "The account has no credit left. Add credit at the provider, then reset the credential."
        : "The provider's quota is used up. It is asked again when the time is over.";
    case "invalid":
      return "The provider refuses the key. Replace the key, or repair it at the provider and reset the credential.";
    case "forbidden":
      return "The provider does not allow this model for the key. It is asked again when the time is over.";
    case "draining":
      return "It gets no new request, and its last requests still run.";
    case "paused":
      return "It gets no request until it is enabled again.";
  }
}

function ofProvider({ quotas }: CredentialStatus): readonly Room[] {
  return quotas.map(({ dimension, span, model, limit, remaining, resetsAtMs, isGradual }) => ({
    by: "provider",
    dimension,
    span,
    model: model === "" ? null : model,
    limit,
    remaining,
    resetsAtMs,
    isGradual,
  }));
}

/** What was taken of a limit of a minute is given back a minute later, piece by piece. */
const OPERATOR: Readonly<Record<LimitStanding["limit"], Pick<Room, "dimension" | "span" | "isGradual">>> = {
  concurrency: { dimension: "concurrency", span: "now", isGradual: false },
  requests_per_minute: { dimension: "requests", span: "minute", isGradual: true },
  tokens_per_minute: { dimension: "tokens", span: "minute", isGradual: true },
  budget_day: { dimension: "money", span: "day", isGradual: false },
  budget_month: { dimension: "money", span: "month", isGradual: false },
};

function ofOperator({ limit, value, remaining }: LimitStanding): Room {
  return { by: "operator", ...OPERATOR[limit], model: null, limit: value, remaining, resetsAtMs: null };
}
