/** What an alert says: one function for each event. Pure. The members of `data` are documented in docs/alerts.md. */
import type { AlertEvent } from "../config/alerts/schema-alerts.ts";
import { usdText } from "../core/money.ts";

export interface Alert {
  readonly type: AlertEvent;
  /** Its subject. While an alert is quiet or waits, no other one with the same subject is told. */
  readonly about: string;
  readonly quietUntilMs: number;
  /** One sentence for a chat. */
  readonly text: string;
  readonly data: Readonly<Record<string, AlertValue>>;
}

type AlertValue = string | number | null | readonly string[];

/** A budget's window. Money is in nano-dollars. */
export interface BudgetFacts {
  readonly scope: "key" | "team" | "credential";
  readonly name: string;
  /** The pattern of the models that it is for; null: all. */
  readonly model: string | null;
  readonly period: "day" | "week" | "month";
  readonly startMs: number;
  readonly resetsAtMs: number;
  readonly limitNanoUsd: number;
  /** Settled costs, without what is only reserved. */
  readonly spentNanoUsd: number;
  /** A request was refused in this window because of what is spent, not of what running requests hold. */
  readonly hasRefused: boolean;
}

/** A state of a credential, or of a credential for one model, as the pool lists it. */
export interface StateFacts {
  readonly state: string;
  readonly reason: string;
  /** null: the state does not end by itself. */
  readonly untilMs: number | null;
  readonly sinceMs: number;
}

export interface CredentialFacts extends StateFacts {
  /** `upstream/name`. */
  readonly id: string;
  readonly upstream: string;
  /** How often in a row its provider refused it, without a proof that would make its state final; 0: not at all. */
  readonly refusals: number;
  readonly models: readonly (StateFacts & { readonly model: string })[];
}

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** A subject whose trouble goes on is told again after so long. */
const REMINDER_MS: Readonly<Record<AlertEvent, number>> = {
  "budget.low": DAY_MS,
  "budget.empty": DAY_MS,
  "credential.needs_person": 7 * DAY_MS,
  "credentials.unavailable": HOUR_MS,
  "model.unpriced": DAY_MS,
  "ledger.unwritable": HOUR_MS,
  "disk.low": DAY_MS,
  "config.rejected": DAY_MS,
};
/** Limits of some seconds are everyday. */
const SHORT_WAIT_MS = 30_000;
/** The waits between them sum up to a quarter of an hour. */
const MANY_REFUSALS = 5;
const MAX_TEXT_CHARS = 500;
const MAX_NAME_CHARS = 200;
const LOW = 0.8;

/** The alert that a budget's use calls for; null: none. */
export function budgetAlert(budget: BudgetFacts): Alert | null {
  const { scope, name, model, period, startMs, resetsAtMs, limitNanoUsd, spentNanoUsd, hasRefused } = budget;
  // One request that would cost more than is left says little of a budget that is hardly used.
  if (spentNanoUsd < limitNanoUsd * LOW) return null;
  const isEmpty = spentNanoUsd >= limitNanoUsd || hasRefused;
  const type = isEmpty ? "budget.empty" : "budget.low";
  const spent = `${usdText(spentNanoUsd)} of ${usdText(limitNanoUsd)} dollars of its budget for this ${period}`;
  const models = model === null ? "" : ` for ${shown(model)}`;
  const end = isEmpty ? "; requests that it has no room for are refused" : "";
  return {
    type,
    // A budget that a person changes is another one.
    about: about(type, scope, name, model ?? "", period, startMs, limitNanoUsd),
    quietUntilMs: resetsAtMs,
    text: sentence(
      `${scope} ${shown(name)} has spent ${spent}${models}${end}. A new ${period} begins at ${time(resetsAtMs)}.`,
    ),
    data: {
      scope,
      name,
      model,
      period,
      starts_at: time(startMs),
      resets_at: time(resetsAtMs),
      limit_usd: usdText(limitNanoUsd),
      spent_usd: usdText(spentNanoUsd),
    },
  };
}

/**
 * null: the credential works, or will by itself. Few servers have a call that proves a refusal; where there is none, a
 * credential that is refused each time after longer and longer waits needs a person as well.
 */
export function credentialAlert(credential: CredentialFacts, nowMs: number): Alert | null {
  const { id, state, reason, untilMs, sinceMs, refusals } = credential;
  const isFinal = untilMs === null && (state === "invalid" || state === "exhausted");
  if (!isFinal && refusals < MANY_REFUSALS) return null;
  const repair =
    state === "exhausted"
      ? "add credit or raise its limit at the provider, then reset it"
      : "replace its key, or repair its account";
  const what = isFinal ? `is ${state}` : `was refused ${refusals} times in a row`;
  const alert = tell("credential.needs_person", [id, isFinal ? sinceMs : "refused"], nowMs, {
    text: `Credential ${shown(id)} ${what} and needs a person: ${shown(reason)}. To repair: ${repair}.`,
    data: { credential: id, state, reason, since: time(sinceMs) },
  });
  // Each refusal begins a state of its own, so the subject cannot tell a new trouble from the old one.
  return isFinal ? alert : { ...alert, quietUntilMs: nowMs + DAY_MS };
}

/** No credential of an upstream can be used: at all (model null), or for one model. null: one can be used soon. */
export function unavailableAlert(
  upstream: string,
  model: string | null,
  states: readonly StateFacts[],
  nowMs: number,
): Alert | null {
  const ends = states.flatMap(({ untilMs }) => (untilMs === null ? [] : [untilMs]));
  const untilMs = ends.length === 0 ? null : Math.min(...ends);
  if (untilMs !== null && untilMs - nowMs < SHORT_WAIT_MS) return null;
  const what = model === null ? shown(upstream) : `${shown(upstream)} for ${shown(model)}`;
  const until =
    untilMs === null
      ? "until a person repairs one"
      : `before ${time(untilMs)}, when the first is tried again`;
  const reasons = [...new Set(states.map(({ state, reason }) => `${state}: ${reason}`))].slice(0, 5);
  return tell("credentials.unavailable", [upstream, model ?? ""], nowMs, {
    text: `No credential of ${what} can be used ${until} (${shown(reasons.join("; "))}).`,
    data: {
      upstream,
      model,
      credentials: states.length,
      available_at: untilMs === null ? null : time(untilMs),
      reasons,
    },
  });
}

/** `model` is `upstream/model`. */
export function unpricedAlert(model: string, nowMs: number): Alert {
  return tell("model.unpriced", [model], nowMs, {
    text: `Requests of ${shown(model)} have no price, so their cost is not known. Add [[prices]] or a newer price list.`,
    data: { model },
  });
}

export function ledgerAlert(failure: string, nowMs: number): Alert {
  return tell("ledger.unwritable", [], nowMs, {
    text: `Requests cannot be recorded: ${failure}.`,
    data: { failure },
  });
}

export function diskAlert(freeBytes: number, thresholdBytes: number, nowMs: number): Alert {
  const mb = (bytes: number): number => Math.floor(bytes / 1_048_576);
  return tell("disk.low", [], nowMs, {
    text: `The disk of the ledger has ${mb(freeBytes)} MiB left, less than ${mb(thresholdBytes)} MiB. A full disk stops the record of requests.`,
    data: { free_bytes: freeBytes, threshold_bytes: thresholdBytes },
  });
}

/** `problems` are rendered, without secrets. */
export function rejectedAlert(problems: readonly string[], nowMs: number): Alert {
  const more = problems.length > 1 ? ` (and ${problems.length - 1} more)` : "";
  return tell("config.rejected", [], nowMs, {
    text: `The changed configuration is not in effect: ${shown(problems[0] ?? "")}${more}.`,
    data: { problems: problems.slice(0, 10) },
  });
}

function tell(
  type: AlertEvent,
  subject: readonly (string | number)[],
  nowMs: number,
  { text, data }: Pick<Alert, "text" | "data">,
): Alert {
  return {
    type,
    about: about(type, ...subject),
    quietUntilMs: nowMs + REMINDER_MS[type],
    text: sentence(text),
    data,
  };
}

/** The subject of an alert, for `Alert.about`. */
export function about(type: AlertEvent, ...subject: readonly (string | number)[]): string {
  return JSON.stringify([type, ...subject]);
}

/**
 * A name or a reason as a chat may show it. A client can choose the name of a model, and must not mention people or
 * make links with it: `<!channel>` in Slack, `@all` in Mattermost.
 */
function shown(text: string): string {
  const plain = text.replaceAll(/[\p{C}<>@&`*|[\]]/gu, "·");
  return plain.length > MAX_NAME_CHARS ? `${plain.slice(0, MAX_NAME_CHARS)}…` : plain;
}

function sentence(text: string): string {
  const first = text.charAt(0).toUpperCase() + text.slice(1);
  return first.length > MAX_TEXT_CHARS ? `${first.slice(0, MAX_TEXT_CHARS)}…` : first;
}

function time(atMs: number): string {
  return new Date(atMs).toISOString();
}
