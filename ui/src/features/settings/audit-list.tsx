import { useInfiniteQuery } from "@tanstack/react-query";
import { History as HistoryIcon } from "lucide-react";
import { Button } from "../../components/button.tsx";
import { useNow } from "../../components/countdown.tsx";
import { Empty, ErrorNotice, Loading } from "../../components/notice.tsx";
import { useUndo } from "../../components/use-undo.ts";
import { call } from "../../lib/api.ts";
import { fullTime } from "../../lib/format.ts";
import { useText } from "../../lib/text.ts";
import { titleOf } from "./acts.ts";
import { Differences } from "./differences.tsx";

/** Who changed what, and the way back. */
export function AuditList() {
  const text = useText();
  const now = useNow();
  const { data, error, isPending, refetch, hasNextPage, fetchNextPage } = useInfiniteQuery({
    queryKey: ["audit"],
    queryFn: ({ pageParam, signal }) =>
      call("listAudit", { query: pageParam === "" ? {} : { cursor: pageParam }, signal }),
    initialPageParam: "",
    getNextPageParam: ({ next }) => next,
  });
  const { mutate, isPending: isUndoing } = useUndo();
  const entries = data?.pages.flatMap((page) => page.entries) ?? [];
  return (
    <>
      {error !== null && <ErrorNotice error={error} onRetry={() => void refetch()} />}
      {isPending && <Loading rows={5} height={70} />}
      {data !== undefined && entries.length === 0 && (
        <div className="panel">
          <Empty icon={HistoryIcon} title={text("Nothing was changed in the admin yet")}>
            {text("Each change appears here, with what it was before and a way back.")}
          </Empty>
        </div>
      )}
      <ul className="flex flex-col gap-2">
        {entries.map(({ id, atMs, who, address, what, changes, undoUntilMs, undoneBy }) => (
          <li key={id} className="panel flex flex-col gap-2 p-4">
            <div className="flex flex-wrap items-center gap-x-3 gap-y-1">
              <span className="font-medium">{titleOf(what, text)}</span>
              <span className="tabular text-[13px] text-muted">{fullTime(atMs)}</span>
              <span className="min-w-0 flex-1 text-[13px] break-all text-muted">
                {who}
                {address !== null && ` · ${address}`}
              </span>
              {undoneBy !== null ? (
                <span className="text-[13px] text-muted">{text("undone")}</span>
              ) : (
                (undoUntilMs === null || undoUntilMs > now) && (
                  <Button disabled={isUndoing} onClick={() => mutate(id)}>
                    {text("Undo")}
                  </Button>
                )
              )}
            </div>
            <Differences differences={changes} />
          </li>
        ))}
      </ul>
      {hasNextPage && (
        <Button className="self-center" onClick={() => void fetchNextPage()}>
          {text("Older changes")}
        </Button>
      )}
    </>
  );
}
