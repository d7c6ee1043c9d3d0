import { useQuery } from "@tanstack/react-query";
import { Activity, ArrowUp, Pause, Play } from "lucide-react";
import { useDeferredValue, useEffect, useMemo, useState, useSyncExternalStore } from "react";
import { Button } from "../../components/button.tsx";
import { Empty, ErrorNotice, Loading } from "../../components/notice.tsx";
import { call } from "../../lib/api.ts";
import { whole } from "../../lib/format.ts";
import { liveFeed } from "../../lib/live.ts";
import { usePlace } from "../../lib/place.ts";
import { useText } from "../../lib/text.ts";
import { isMatch, wordsOf } from "./outcomes.ts";
import { RowList } from "./row-list.tsx";
import { feedTail, Tail } from "./tail.ts";

const FIRST_ROWS = "100";
/** It outlives the page, so that the way back from a request shows the same rows. */
const tail = new Tail((run) => void requestAnimationFrame(run));
let isFed = false;

export function LiveTail() {
  const text = useText();
  const [read, write] = usePlace();
  const [isHeld, setHeld] = useState(false);
  const [hasLeftTop, setLeftTop] = useState(false);
  const { rows, waiting, left, isPaused } = useSyncExternalStore(tail.watch, () => tail.view);
  const typed = read("q");
  const words = useDeferredValue(typed);
  const shown = useMemo(() => {
    const wanted = wordsOf(words);
    return wanted.length === 0 ? rows : rows.filter((row) => isMatch(row, wanted));
  }, [rows, words]);

  useEffect(() => {
    if (!isFed) feedTail(tail, liveFeed);
    isFed = true;
  }, []);
  // Rows of before the page was opened.
  const { data, error, isPending, refetch } = useQuery({
    queryKey: ["requests", "newest"],
    queryFn: ({ signal }) => call("listRequests", { query: { limit: FIRST_ROWS }, signal }),
    enabled: rows.length === 0,
  });
  useEffect(() => {
    if (data !== undefined) tail.push([...data.rows].reverse(), 0);
  }, [data]);
  // A row that is being read must not move away.
  useEffect(() => tail.pause(isHeld || hasLeftTop), [isHeld, hasLeftTop]);

  return (
    <>
      <div className="flex flex-wrap items-center gap-2">
        <input
          type="search"
          data-search
          aria-label={text("Filter the rows")}
          placeholder={text("Filter: a key, a model, an error…")}
          value={typed}
          onChange={({ target }) => write({ q: target.value }, { replace: true })}
          className="field max-w-96 flex-1 basis-44"
        />
        <Button
          aria-pressed={isHeld}
          onClick={() => setHeld(!isHeld)}
          icon={isHeld ? <Play size={15} aria-hidden /> : <Pause size={15} aria-hidden />}
        >
          {isHeld ? text("Go on") : text("Pause")}
        </Button>
        <p className="tabular text-[13px] text-muted" aria-live="polite">
          {isPaused && waiting > 0 && (
            <span className="inline-flex items-center gap-1 font-medium text-info">
              <ArrowUp size={14} aria-hidden />
              {text("{count} new above", { count: whole(waiting) })}
            </span>
          )}
          {left > 0 && ` ${text("{count} were too many to show", { count: whole(left) })}`}
        </p>
      </div>
      {error !== null && rows.length === 0 && <ErrorNotice error={error} onRetry={() => void refetch()} />}
      {rows.length === 0 && isPending ? (
        <Loading rows={12} height={36} />
      ) : rows.length === 0 || shown.length === 0 ? (
        <div className="panel">
          <Empty
            icon={Activity}
            title={rows.length === 0 ? text("Waiting for a request") : text("No row matches")}
          >
            {rows.length === 0
              ? text("Each request appears here when it ends.")
              : text("New rows that match appear by themselves.")}
          </Empty>
        </div>
      ) : (
        <RowList rows={shown} onLeaveTop={setLeftTop} />
      )}
    </>
  );
}
