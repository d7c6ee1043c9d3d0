/** The lines of `clewline credentials` about what is left of limits: the provider's, as it announced them, and the operator's. */
import { usdText } from "../core/money.ts";
import type { CredentialStatus } from "../pool/credential.ts";
import type { LimitStanding } from "../pool/credential-limits.ts";
import { formatMs } from "./table.ts";

type Quota = CredentialStatus["quotas"][number];

const SPANS: Readonly<Record<Quota["span"], string>> = {
  minute: " a minute",
  day: " a day",
  month: " a month",
  other: "",
};
const DIMENSIONS: Readonly<Record<Quota["dimension"], string>> = {
  requests: "requests",
  input: "input tokens",
  output: "output tokens",
  tokens: "tokens",
};

/** Rows with the columns credential, state, time left, text. */
export function roomRows(
  { owner, quotas }: Pick<CredentialStatus, "owner" | "quotas">,
  limits: readonly LimitStanding[],
  nowMs: number,
): string[][] {
  const ofModels = [...Map.groupBy(quotas, ({ model }) => model)];
  return [
    ...(owner === null ? [] : [["  account", "", "", owner]]),
    ...(limits.length === 0 ? [] : [["  own limits", "room", "", limits.map(limitText).join("; ")]]),
    ...ofModels.map(([model, all]) => {
      const wholeMs = Math.max(...all.map(({ resetsAtMs }) => resetsAtMs));
      const left = wholeMs <= nowMs ? "" : formatMs(Math.max(1_000, wholeMs - nowMs));
      return [`  ${model === "" ? "all models" : model}`, "room", left, all.map(quotaText).join("; ")];
    }),
  ];
}

function quotaText({ dimension, span, limit, remaining }: Quota): string {
  const of = limit === null ? "" : ` of ${limit}`;
  return `${remaining}${of} ${DIMENSIONS[dimension]}${SPANS[span]}`;
}

function limitText({ limit, value, remaining }: LimitStanding): string {
  if (limit === "budget_day") return `$${usdText(remaining)} of $${usdText(value)} today`;
  if (limit === "budget_month") return `$${usdText(remaining)} of $${usdText(value)} this month`;
  return `${remaining} of ${value} ${limit}`;
}

export function roomToJson(
  { owner, quotas }: Pick<CredentialStatus, "owner" | "quotas">,
  limits: readonly LimitStanding[],
): object {
  return {
    account: owner,
    room: quotas.map(({ model, dimension, span, limit, remaining, resetsAtMs }) => ({
      model: model === "" ? null : model,
      dimension,
      span,
      limit,
      remaining,
      whole_at: new Date(resetsAtMs).toISOString(),
    })),
    limits,
  };
}
