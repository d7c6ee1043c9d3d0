/** What needs a person now, each with the page that repairs it. Reads facts in memory alone. */
import { renderProblem } from "../config/problem.ts";
import { usdText } from "../core/money.ts";
import type { CredentialStatus } from "../pool/credential.ts";
import { accusationIn } from "../pool/park.ts";
import type { AdminContext } from "./context.ts";
import type { ReplyOf } from "./contract.ts";

type Attention = ReplyOf<"getAttention">["attention"];
type Item = Attention[number];

type Facts = Pick<
  AdminContext,
  "clock" | "snapshot" | "pool" | "limiter" | "rejected" | "unpricedSince" | "health" | "away"
>;

const DAY_MS = 86_400_000;
/** Models that one item names. */
const MAX_NAMED = 5;
/** Of a list of thousands the first ones are enough. */
const MAX_ITEMS = 50;
const WHOSE: Readonly<Record<"key" | "team" | "credential", (name: string) => string>> = {
  key: (name) => `the key ${name}`,
  team: (name) => `the team ${name}`,
  credential: (name) => `the credential ${name}`,
};
/** A budget is low when less than this part is left. */
const LOW = 0.2;

export function attentionOf(facts: Facts): Attention {
  const items = [
    ...ofGateway(facts),
    ...ofUpstreams(facts),
    ...ofCredentials(facts.pool.list()),
    ...ofBudgets(facts),
    ...ofUnpriced(facts.unpricedSince(facts.clock.nowMs() - DAY_MS)),
  ];
  return items.slice(0, MAX_ITEMS);
}

function ofGateway({ snapshot, rejected, health }: Facts): readonly Item[] {
  const { config, keys, upstreams } = snapshot();
  const items: Item[] = [];
  const { ledgerFailure } = health();
  if (ledgerFailure !== null)
    items.push({
      kind: "ledger_unwritable",
      about: "",
      text: `The ledger cannot be written: ${ledgerFailure}.`,
      fix: { label: "See the settings of the ledger", to: "/settings?key=ledger" },
    });
  const problems = rejected();
  if (problems.length > 0)
    items.push({
      kind: "config_rejected",
      about: config.file ?? "",
      text: `The changed configuration is not in effect: ${problems.slice(0, 3).map(renderProblem).join("; ")}`,
      fix: { label: "See the problems", to: "/settings" },
    });
  if (upstreams.size === 0)
    items.push({
      kind: "no_upstreams",
      about: "",
      text: "There are no upstreams, so no model can be reached.",
      fix: { label: "Add an upstream", to: "/pool?add=1" },
    });
  const hasKeys = keys.values().some(({ keySha256 }) => keySha256.length === 64);
  if (!hasKeys)
    items.push({
      kind: "no_keys",
      about: "",
      text: "There are no client keys, so every request is refused.",
      fix: { label: "Make a key", to: "/keys?create=1" },
    });
  return items;
}

function ofUpstreams({ snapshot, away }: Facts): readonly Item[] {
  return [...snapshot().upstreams.keys()]
    .filter((name) => away(name) !== null)
    .map((name) => ({
      kind: "upstream_unreachable",
      about: name,
      text: `No connection to the upstream ${name} can be made.`,
      fix: { label: "See the pool", to: `/pool?upstream=${encodeURIComponent(name)}` },
    }));
}

function ofCredentials(credentials: readonly CredentialStatus[]): readonly Item[] {
  const items: Item[] = [];
  for (const { id, state, untilMs, reason } of credentials) {
    // A refusal that is not confirmed yet needs a person as well: requests fail for it.
    const isAccused = accusationIn(reason) !== null;
    if (state === "invalid" || isAccused || (state === "exhausted" && untilMs === null))
      items.push({
        kind: state === "exhausted" ? "credential_exhausted" : "credential_invalid",
        about: id,
        text:
          state === "exhausted"
            ? `The account of the credential ${id} has no credit left.`
            : `The provider refuses the credential ${id}.`,
        fix: { label: "See the credential", to: `/pool?credential=${encodeURIComponent(id)}` },
      });
  }
  for (const [upstream, all] of Map.groupBy(credentials, (one) => one.upstream)) {
    if (all.some(({ state }) => state === "ready")) continue;
    items.push({
      kind: "all_credentials_unavailable",
      about: upstream,
      text: `No credential of the upstream ${upstream} can be used now.`,
      fix: { label: "See the pool", to: `/pool?upstream=${encodeURIComponent(upstream)}` },
    });
  }
  return items;
}

function ofBudgets({ limiter }: Facts): readonly Item[] {
  return limiter.budgets().flatMap((budget): Item[] => {
    const { scope, name, model, period, limitNanoUsd, spentNanoUsd } = budget;
    const left = limitNanoUsd - spentNanoUsd;
    if (left > limitNanoUsd * LOW) return [];
    const whose = WHOSE[scope](name);
    const page = scope === "credential" ? "/pool?credential=" : "/keys?name=";
    const [rest, limit] = [usdText(Math.max(0, left)), usdText(limitNanoUsd)];
    return [
      {
        kind: left <= 0 ? "budget_empty" : "budget_low",
        about: name,
        text:
          model === null
            ? `The ${period}'s budget of ${whose} has ${rest} of ${limit} dollars left.`
            : `The ${period}'s budget of ${whose} for ${model} has ${rest} of ${limit} dollars left.`,
        fix: { label: "Change the budget", to: `${page}${encodeURIComponent(name)}` },
      },
    ];
  });
}

/** One item for all: in front of a server of one's own, every model is without a price. */
function ofUnpriced(models: readonly string[]): readonly Item[] {
  const [first, ...others] = models;
  if (first === undefined) return [];
  if (others.length === 0)
    return [
      {
        kind: "model_unpriced",
        about: first,
        text: `The model ${first} has no price, so its requests have no cost.`,
        fix: { label: "Add a price", to: `/settings?key=prices&model=${encodeURIComponent(first)}` },
      },
    ];
  const named = models.slice(0, MAX_NAMED).join(", ");
  const more = models.length - MAX_NAMED;
  return [
    {
      kind: "models_unpriced",
      about: "",
      text: `These models have no price, so their requests have no cost: ${named}${more > 0 ? ` and ${more} more` : ""}.`,
      fix: { label: "Add prices", to: "/settings?key=prices" },
    },
  ];
}
