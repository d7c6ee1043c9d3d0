import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { Redirect } from "wouter";
import { Button } from "../../components/button.tsx";
import { Choice } from "../../components/choice.tsx";
import { ErrorNotice, Loading } from "../../components/notice.tsx";
import { Page } from "../../components/page.tsx";
import { call } from "../../lib/api.ts";
import { dayAndMinute } from "../../lib/format.ts";
import { usePlace } from "../../lib/place.ts";
import { useText } from "../../lib/text.ts";
import { AttentionList } from "./attention-list.tsx";
import { Figures } from "./figures.tsx";
import { FirstSteps } from "./first-steps.tsx";
import { useGuide } from "./guide.ts";
import { OverviewChart } from "./overview-chart.tsx";
import { RANGES, readRange } from "./range.ts";
import { TopLists } from "./top-lists.tsx";

const SPLITS = ["model", "key", "credential", "upstream", "team"] as const;
/** New rows are shown without being asked for, but not each by itself. */
const REFRESH_MS = 15_000;

export function OverviewPage() {
  const text = useText();
  const [read, write] = usePlace();
  const range = readRange(read("range"), read("from"), read("to"));
  const by = SPLITS.find((one) => one === read("by"));
  const { data, error, isPending, refetch } = useQuery({
    queryKey: ["overview", range.name, range.fromMs, range.toMs, by],
    queryFn: ({ signal }) => {
      const toMs = range.toMs ?? Date.now();
      return call("getOverview", {
        query: {
          fromMs: String(range.fromMs ?? toMs - range.lengthMs),
          toMs: String(toMs),
          zone: Intl.DateTimeFormat().resolvedOptions().timeZone,
          by,
        },
        signal,
      });
    },
    placeholderData: keepPreviousData,
    refetchInterval: range.name === "" ? false : REFRESH_MS,
  });
  const guide = useGuide(data);
  const tools = (
    <div className="flex max-w-full flex-wrap items-center gap-2">
      {range.name === "" && data !== undefined && (
        <Button onClick={() => write({ from: "", to: "" })}>
          {dayAndMinute(data.fromMs)} – {dayAndMinute(data.toMs)} ✕
        </Button>
      )}
      <Choice
        label={text("Range")}
        value={range.name}
        options={Object.entries(RANGES).map(([value, { title }]) => ({ value, label: text(title) }))}
        onChoose={(next) => write({ range: next, from: "", to: "" })}
      />
    </div>
  );
  if (guide === "due") return <Redirect to="/start" replace />;
  return (
    <Page title={text("Overview")} tools={tools}>
      {/* Not before the figures, which it would move. */}
      {(guide !== "unknown" || error !== null) && <AttentionList attention={data?.attention} />}
      {error !== null && <ErrorNotice error={error} onRetry={() => void refetch()} />}
      {(isPending || (data !== undefined && guide === "unknown")) && <Loading rows={3} height={140} />}
      {data !== undefined && guide === "not-due" && (
        <>
          {data.totals.requests === 0 && <FirstSteps />}
          <Figures overview={data} />
          <OverviewChart overview={data} by={by ?? ""} splits={SPLITS} />
          <TopLists overview={data} />
        </>
      )}
    </Page>
  );
}
