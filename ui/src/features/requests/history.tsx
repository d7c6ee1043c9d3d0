import { useInfiniteQuery } from "@tanstack/react-query";
import { LoaderCircle, SearchX, X } from "lucide-react";
import { type FormEvent, useCallback, useEffect, useState } from "react";
import { Button } from "../../components/button.tsx";
import { SelectField } from "../../components/field.tsx";
import { Empty, ErrorNotice, Loading } from "../../components/notice.tsx";
import { call } from "../../lib/api.ts";
import { dayAndMinute } from "../../lib/format.ts";
import { usePlace } from "../../lib/place.ts";
import { useText } from "../../lib/text.ts";
import { RowList } from "./row-list.tsx";

const PAGE_ROWS = "100";
const STATUSES = ["ok", "error", "429", "4xx", "5xx"] as const;

/** Rows of the ledger by filters, page by page as the list is scrolled. */
export function History() {
  const text = useText();
  const [read, write] = usePlace();
  const filters = {
    text: read("text"),
    key: read("key"),
    model: read("model"),
    upstream: read("upstream"),
    credential: read("credential"),
    status: read("status"),
    id: read("id"),
    fromMs: read("from"),
    toMs: read("to"),
  };
  const { data, error, isPending, refetch, fetchNextPage, hasNextPage, isFetchingNextPage } =
    useInfiniteQuery({
      queryKey: ["requests", "history", filters],
      queryFn: ({ pageParam, signal }) =>
        call("listRequests", {
          query: { ...given(filters), limit: PAGE_ROWS, ...given({ cursor: pageParam }) },
          signal,
        }),
      initialPageParam: "",
      getNextPageParam: ({ next }) => next,
    });
  const rows = data?.pages.flatMap((page) => page.rows) ?? [];
  const isEmpty = data?.pages.at(-1)?.rows.length === 0;
  // A page looks at so many rows only, so the first match may be pages away.
  const [stoppedAt, setStoppedAt] = useState("");
  const searched = JSON.stringify(filters);
  const isSearching = isEmpty && hasNextPage && error === null && stoppedAt !== searched;
  useEffect(() => {
    if (isSearching && !isFetchingNextPage) void fetchNextPage();
  }, [isSearching, isFetchingNextPage, fetchNextPage]);
  const more = useCallback(() => {
    if (hasNextPage && !isFetchingNextPage) void fetchNextPage();
  }, [hasNextPage, isFetchingNextPage, fetchNextPage]);
  return (
    <>
      <Filters />
      {(filters.fromMs !== "" || filters.toMs !== "") && (
        <Button
          className="self-start"
          icon={<X size={14} aria-hidden />}
          onClick={() => write({ from: "", to: "" })}
        >
          {filters.fromMs !== "" && dayAndMinute(Number(filters.fromMs))} –{" "}
          {filters.toMs !== "" && dayAndMinute(Number(filters.toMs))}
        </Button>
      )}
      {error !== null && <ErrorNotice error={error} onRetry={() => void refetch()} />}
      {isPending && <Loading rows={12} height={36} />}
      {isSearching && (
        <p className="flex flex-wrap items-center gap-2 text-muted" aria-live="polite">
          <LoaderCircle size={16} aria-hidden className="animate-spin" />
          {text("Searching older requests…")}
          <Button onClick={() => setStoppedAt(searched)}>{text("Stop")}</Button>
        </p>
      )}
      {isEmpty && hasNextPage && stoppedAt === searched && (
        <p className="flex flex-wrap items-center gap-2 text-muted">
          {text("Older requests were not searched.")}
          <Button onClick={() => setStoppedAt("")}>{text("Go on")}</Button>
        </p>
      )}
      {data !== undefined && rows.length === 0 && !hasNextPage && (
        <div className="panel">
          <Empty icon={SearchX} title={text("No request matches")}>
            <Button
              onClick={() =>
                write({
                  text: "",
                  key: "",
                  model: "",
                  credential: "",
                  upstream: "",
                  status: "",
                  id: "",
                  from: "",
                  to: "",
                  view: "history",
                })
              }
            >
              {text("Clear the filters")}
            </Button>
          </Empty>
        </div>
      )}
      {rows.length > 0 && (
        <RowList
          rows={rows}
          onNearEnd={more}
          foot={
            <p className="py-2 text-center text-[13px] text-muted" aria-live="polite">
              {isFetchingNextPage ? text("Loading…") : hasNextPage ? "" : text("These are all.")}
            </p>
          }
        />
      )}
    </>
  );
}

/** What a filter is given; an empty one is no filter. */
function given<Filters extends Readonly<Record<string, string>>>(filters: Filters): Partial<Filters> {
  return Object.fromEntries(Object.entries(filters).filter(([, value]) => value !== "")) as Partial<Filters>;
}

function Filters() {
  const text = useText();
  const [read, write] = usePlace();
  const fields = [
    { name: "text", label: text("Text"), hint: text("an id, or a part of a name") },
    { name: "key", label: text("Key"), hint: "" },
    { name: "model", label: text("Model"), hint: "" },
    { name: "credential", label: text("Credential"), hint: "upstream/name" },
  ] as const;
  const search = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    write({
      ...Object.fromEntries(fields.map(({ name }) => [name, String(form.get(name) ?? "").trim()])),
      view: "history",
    });
  };
  return (
    <form
      onSubmit={search}
      className="grid grid-cols-2 items-end gap-2 sm:grid-cols-3 lg:grid-cols-[repeat(5,minmax(0,1fr))_auto]"
    >
      {fields.map(({ name, label, hint }, at) => (
        <label key={`${name} ${read(name)}`} className="flex min-w-0 flex-col gap-1 text-[13px] text-muted">
          {label}
          <input
            name={name}
            defaultValue={read(name)}
            {...(at === 0 ? { "data-search": true } : {})}
            placeholder={hint}
            className="field"
          />
        </label>
      ))}
      <div className="text-[13px] text-muted [&_label]:font-normal">
        <SelectField
          label={text("Result")}
          value={read("status")}
          onChange={({ target }) => write({ status: target.value, view: "history" })}
        >
          <option value="">{text("All")}</option>
          {STATUSES.map((status) => (
            <option key={status} value={status}>
              {status === "ok" ? text("Good") : status === "error" ? text("Error") : status}
            </option>
          ))}
        </SelectField>
      </div>
      <Button type="submit" look="primary">
        {text("Search")}
      </Button>
    </form>
  );
}
