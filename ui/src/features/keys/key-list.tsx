import { useInfiniteQuery } from "@tanstack/react-query";
import { createColumnHelper, rowSelectionFeature, tableFeatures, useTable } from "@tanstack/react-table";
import { useVirtualizer } from "@tanstack/react-virtual";
import { KeyRound } from "lucide-react";
import { useDeferredValue, useEffect, useMemo, useRef, useState } from "react";
import { Button } from "../../components/button.tsx";
import { SelectField } from "../../components/field.tsx";
import { Empty, ErrorNotice, Loading } from "../../components/notice.tsx";
import { call } from "../../lib/api.ts";
import { whole } from "../../lib/format.ts";
import { usePlace } from "../../lib/place.ts";
import { useText } from "../../lib/text.ts";
import { KeyLine } from "./key-line.tsx";
import { KEY_STATES, type Key } from "./key-states.ts";
import { RevokeDialog } from "./revoke-dialog.tsx";
import { useKeyActs } from "./use-key-acts.ts";

const PAGE_KEYS = "100";
const NEAR_END = 20;
const LINE_HEIGHT = 92;

const features = tableFeatures({ rowSelectionFeature });
const columns = createColumnHelper<typeof features, Key>().columns([
  createColumnHelper<typeof features, Key>().accessor("name", { header: "name" }),
]);

/** Keys page by page, of which only those in sight are on the page; some of them can be changed at once. */
export function KeyList({ onCreate }: { onCreate: () => void }) {
  const text = useText();
  const [read, write] = usePlace();
  const [typed, state] = [useDeferredValue(read("q")), read("state")];
  const filter = Object.hasOwn(KEY_STATES, state) ? (state as Key["state"]) : undefined;
  const { data, error, isPending, refetch, fetchNextPage, hasNextPage, isFetchingNextPage } =
    useInfiniteQuery({
      queryKey: ["keys", "list", typed, filter],
      queryFn: ({ pageParam, signal }) =>
        call("listKeys", {
          query: {
            limit: PAGE_KEYS,
            ...(typed === "" ? {} : { text: typed }),
            ...(filter === undefined ? {} : { state: filter }),
            ...(pageParam === "" ? {} : { cursor: pageParam }),
          },
          signal,
        }),
      initialPageParam: "",
      getNextPageParam: ({ next }) => next,
    });
  const keys = useMemo(() => data?.pages.flatMap((page) => page.keys) ?? [], [data]);
  const isFiltered = typed !== "" || filter !== undefined;
  return (
    <>
      <div className="flex flex-wrap items-end gap-2">
        <input
          type="search"
          data-search
          aria-label={text("Find a key")}
          placeholder={text("Find a key")}
          value={read("q")}
          onChange={({ target }) => write({ q: target.value }, { replace: true })}
          className="field max-w-72 flex-1 basis-40"
        />
        <div className="w-40">
          <SelectField
            label={text("State")}
            isLabelHidden
            value={state}
            onChange={({ target }) => write({ state: target.value })}
          >
            <option value="">{text("All states")}</option>
            {Object.entries(KEY_STATES).map(([value, { title }]) => (
              <option key={value} value={value}>
                {text(title)}
              </option>
            ))}
          </SelectField>
        </div>
        {data !== undefined && (
          <p className="tabular pb-1.5 text-[13px] text-muted">
            {text("{count, plural, one {# key} other {# keys}}", { count: data.pages[0]?.total ?? 0 })}
          </p>
        )}
      </div>
      {error !== null && <ErrorNotice error={error} onRetry={() => void refetch()} />}
      {isPending && <Loading rows={8} height={64} />}
      {data !== undefined && keys.length === 0 && (
        <div className="panel">
          <Empty icon={KeyRound} title={isFiltered ? text("No key matches") : text("There is no key yet")}>
            {isFiltered ? (
              <Button onClick={() => write({ q: "", state: "" })}>{text("Show all")}</Button>
            ) : (
              <>
                <p className="mb-3">
                  {text("Each client gets a key of its own, so that its use and cost can be told apart.")}
                </p>
                <Button look="primary" onClick={onCreate}>
                  {text("Create a key")}
                </Button>
              </>
            )}
          </Empty>
        </div>
      )}
      {keys.length > 0 && (
        <KeyRows
          keys={keys}
          isReading={isFetchingNextPage}
          onNearEnd={() => {
            if (hasNextPage && !isFetchingNextPage) void fetchNextPage();
          }}
        />
      )}
    </>
  );
}

function KeyRows({
  keys,
  isReading,
  onNearEnd,
}: {
  keys: readonly Key[];
  isReading: boolean;
  onNearEnd: () => void;
}) {
  const text = useText();
  const box = useRef<HTMLElement>(null);
  const [isRevoking, setRevoking] = useState(false);
  const table = useTable({
    features,
    columns,
    data: keys as Key[],
    getRowId: ({ name }) => name,
    // A key of the file is changed in the file.
    enableRowSelection: ({ original }) => original.from === "database" && original.state !== "revoked",
  });
  const { rows } = table.getRowModel();
  const chosen = Object.keys(table.state.rowSelection).filter(
    (name) => table.state.rowSelection[name] === true,
  );
  const { mutate } = useKeyActs(() => table.resetRowSelection());
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => box.current,
    estimateSize: () => LINE_HEIGHT,
    getItemKey: (at) => rows[at]?.id ?? at,
    overscan: 8,
  });
  const items = virtual.getVirtualItems();
  const last = items.at(-1)?.index ?? 0;
  useEffect(() => {
    if (last >= rows.length - NEAR_END) onNearEnd();
  }, [last, rows.length, onNearEnd]);
  return (
    <div className="panel overflow-hidden">
      <div className="flex min-h-11 flex-wrap items-center gap-2 border-b border-line px-4 py-1">
        <label className="flex items-center gap-2">
          <input
            type="checkbox"
            className="size-4 accent-accent"
            checked={table.getIsAllRowsSelected()}
            onChange={table.getToggleAllRowsSelectedHandler()}
          />
          {chosen.length === 0 ? text("Choose all") : text("{count} chosen", { count: whole(chosen.length) })}
        </label>
        {chosen.length > 0 && (
          <>
            <Button look="quiet" onClick={() => mutate({ act: "pauseKeys", names: chosen })}>
              {text("Pause")}
            </Button>
            <Button look="quiet" onClick={() => mutate({ act: "resumeKeys", names: chosen })}>
              {text("Resume")}
            </Button>
            <Button look="danger" onClick={() => setRevoking(true)}>
              {text("Revoke…")}
            </Button>
          </>
        )}
      </div>
      <section
        ref={box}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached with the keyboard
        tabIndex={0}
        aria-label={text("Keys")}
        className="max-h-[max(288px,calc(100dvh-300px))] overflow-y-auto md:max-h-[max(288px,calc(100dvh-225px))]"
      >
        <ul className="relative" style={{ height: virtual.getTotalSize() }}>
          {items.map(({ key, index, start }) => {
            const row = rows[index];
            if (row === undefined) return null;
            return (
              <li
                key={key}
                ref={virtual.measureElement}
                data-index={index}
                className="absolute inset-x-0 top-0 border-b border-line"
                style={{ transform: `translateY(${start}px)` }}
              >
                <KeyLine
                  line={row.original}
                  isChosen={row.getIsSelected()}
                  onChoose={row.getCanSelect() ? () => row.toggleSelected() : null}
                />
              </li>
            );
          })}
        </ul>
        {isReading && <p className="py-2 text-center text-[13px] text-muted">{text("Loading…")}</p>}
      </section>
      <RevokeDialog
        names={isRevoking ? chosen : []}
        onClose={() => setRevoking(false)}
        onRevoke={() => {
          setRevoking(false);
          mutate({ act: "revokeKeys", names: chosen });
        }}
      />
    </div>
  );
}
