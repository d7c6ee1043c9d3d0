import { Countdown } from "../../components/countdown.tsx";
import { compact, dollars } from "../../lib/format.ts";
import { useText } from "../../lib/text.ts";
import type { Message } from "../../locales/messages.ts";
import type { Key } from "./key-states.ts";

type Use = Key["limits"][number];

const PERIODS: Record<NonNullable<Use["period"]>, Message> = {
  day: "a day",
  week: "a week",
  month: "a month",
};
const TITLES: Readonly<Record<string, Message>> = {
  requests_per_minute: "Requests a minute",
  tokens_per_minute: "Tokens a minute",
  concurrency: "Requests at once",
};

/** What a key has used of its limits. The figures stand beside the bar. */
export function LimitMeters({ limits }: { limits: readonly Use[] }) {
  const text = useText();
  if (limits.length === 0) return <p className="text-[13px] text-muted">{text("No limit")}</p>;
  return (
    <ul className="flex min-w-0 flex-col gap-1.5">
      {limits.map((use) => (
        <LimitMeter key={`${use.limit} ${use.scope} ${use.model ?? ""} ${use.period ?? ""}`} use={use} />
      ))}
    </ul>
  );
}

function LimitMeter({ use }: { use: Use }) {
  const text = useText();
  const { limit, scope, name, model, period, value, used, reserved, resetsAtMs } = use;
  const isMoney = period !== null;
  const show = isMoney ? dollars : compact;
  const share = value <= 0 ? 1 : Math.min(1, (used + reserved) / value);
  const tone = share < 0.8 ? "bg-good" : share < 1 ? "bg-warn" : "bg-bad";
  const known = TITLES[limit];
  return (
    <li className="min-w-0 text-[13px]">
      <div className="flex items-baseline gap-2">
        <span className="min-w-0 flex-1 truncate text-muted">
          {isMoney ? `${text("Budget")} ${text(PERIODS[period])}` : known === undefined ? limit : text(known)}
          {model !== null && ` · ${model}`}
          {scope === "team" && ` · ${text("team {name}", { name })}`}
        </span>
        <span className="tabular whitespace-nowrap">
          {show(used + reserved)} <span className="text-muted">/ {show(value)}</span>
        </span>
      </div>
      <div className="mt-0.5 h-1.5 overflow-hidden rounded-full bg-sunken">
        <div className={`h-full rounded-full ${tone}`} style={{ width: `${share * 100}%` }} />
      </div>
      {share >= 0.8 && resetsAtMs !== null && (
        <p className="text-[12.5px] text-muted">
          {text("anew in")} <Countdown untilMs={resetsAtMs} />
        </p>
      )}
    </li>
  );
}
