import { memo } from "react";
import { Link } from "wouter";
import { Badge } from "../../components/badge.tsx";
import { clockTime, compact, dayAndTime, dollars, duration } from "../../lib/format.ts";
import { useText } from "../../lib/text.ts";
import { OUTCOMES, type RequestRow } from "./outcomes.ts";

const COLUMNS =
  "grid grid-cols-[150px_140px_minmax(90px,1fr)_minmax(140px,2fr)_minmax(120px,1.4fr)_70px_110px_84px] items-center gap-3 px-4";

const tokensOf = ({ fresh, cacheRead, cacheWrite, output }: RequestRow["tokens"]): string => {
  const input =
    fresh === null && cacheRead === null && cacheWrite === null
      ? null
      : (fresh ?? 0) + (cacheRead ?? 0) + (cacheWrite ?? 0);
  return `${compact(input)} → ${compact(output)}`;
};

export function RequestLineHead() {
  const text = useText();
  return (
    <div aria-hidden className={`${COLUMNS} h-9 border-b border-line text-[13px] font-medium text-muted`}>
      <span>{text("Time")}</span>
      <span>{text("Result")}</span>
      <span>{text("Key")}</span>
      <span>{text("Model")}</span>
      <span>{text("Credential")}</span>
      <span className="text-right">{text("Duration")}</span>
      <span className="text-right">{text("Tokens")}</span>
      <span className="text-right">{text("Cost")}</span>
    </div>
  );
}

/** One request in a list, and the way to its page. */
export const RequestLine = memo(function RequestLine({ row, isWide }: { row: RequestRow; isWide: boolean }) {
  const text = useText();
  const { title, tone } = OUTCOMES[row.outcome];
  const model = row.modelAsked ?? row.endpoint;
  const credential = row.credential === null ? (row.upstream ?? "–") : `${row.upstream}/${row.credential}`;
  const result = (
    <Badge tone={tone}>
      {row.outcome === "ok" ? row.status : text(title)}
      {row.outcome !== "ok" && <span className="tabular font-normal">{row.status}</span>}
    </Badge>
  );
  const retries = row.attempts > 1 && (
    <span className="text-warn" title={text("{count} attempts", { count: row.attempts })}>
      {" "}
      ×{row.attempts}
    </span>
  );
  if (!isWide)
    return (
      <Link
        href={`/requests/${row.id}`}
        className="flex h-full flex-col justify-center gap-0.5 px-3 hover:bg-hover"
      >
        <span className="flex items-center gap-2">
          {result}
          <span className="min-w-0 flex-1 truncate font-medium">{model}</span>
          <span className="tabular">{dollars(row.costNanoUsd)}</span>
        </span>
        <span className="flex gap-2 text-[13px] text-muted">
          <span className="tabular">{clockTime(row.atMs)}</span>
          <span className="min-w-0 flex-1 truncate">
            {row.key} · {credential}
            {retries}
          </span>
          <span className="tabular">{duration(row.durationMs)}</span>
        </span>
      </Link>
    );
  return (
    <Link href={`/requests/${row.id}`} className={`${COLUMNS} h-full hover:bg-hover`}>
      <span className="tabular truncate text-muted">{dayAndTime(row.atMs)}</span>
      <span>{result}</span>
      <span className="truncate" title={row.key}>
        {row.key}
      </span>
      <span className="truncate" title={`${row.modelAsked ?? ""} → ${row.modelUsed ?? ""}`}>
        {model}
      </span>
      <span className="truncate text-muted" title={credential}>
        {credential}
        {retries}
      </span>
      <span className="tabular text-right">{duration(row.durationMs)}</span>
      <span className="tabular text-right whitespace-nowrap">{tokensOf(row.tokens)}</span>
      <span className="tabular text-right">{dollars(row.costNanoUsd)}</span>
    </Link>
  );
});
