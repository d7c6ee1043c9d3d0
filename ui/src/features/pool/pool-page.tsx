import { useQuery } from "@tanstack/react-query";
import { Network, Plus } from "lucide-react";
import { useState } from "react";
import { Button } from "../../components/button.tsx";
import { Empty, ErrorNotice, Loading } from "../../components/notice.tsx";
import { Page } from "../../components/page.tsx";
import { call } from "../../lib/api.ts";
import { CREDENTIALS_KEY } from "../../lib/follow-live.ts";
import { useGatewayText } from "../../lib/gateway-text.ts";
import { usePlace } from "../../lib/place.ts";
import { useText } from "../../lib/text.ts";
import { AddDialog } from "./add-dialog.tsx";
import { CardGrid } from "./card-grid.tsx";
import { type Credential, STATE_NAMES, STATES, sortBoard } from "./states.ts";
import { TestDialog } from "./test-dialog.tsx";

/** Live events bring the states; the ledger's figures are read again now and then. */
const REFRESH_MS = 60_000;
/** The board comes before the ledger has answered. */
const UNKNOWN_REFRESH_MS = 1_500;

export function PoolPage() {
  const text = useText();
  const said = useGatewayText();
  const [read, write] = usePlace();
  const [tested, setTested] = useState<Credential | null>(null);
  const { data, error, isPending, refetch } = useQuery({
    queryKey: CREDENTIALS_KEY,
    queryFn: ({ signal }) => call("listCredentials", { signal }),
    refetchInterval: ({ state }) =>
      state.data?.credentials.some(({ day }) => day === null) === true ? UNKNOWN_REFRESH_MS : REFRESH_MS,
  });
  const all = data?.credentials ?? [];
  const [typed, state, only] = [read("q").toLowerCase(), read("state"), read("at")];
  const shown = sortBoard(all).filter(
    (one) =>
      (only === "" || one.id === only) &&
      (state === "" || one.state === state) &&
      (typed === "" || `${one.id} ${said(one.reason)} ${one.owner ?? ""}`.toLowerCase().includes(typed)),
  );
  const isFiltered = typed !== "" || state !== "" || only !== "";
  const add = (): void => write({ add: "1" });
  return (
    <Page
      title={text("Pool")}
      tools={
        <Button look="primary" icon={<Plus size={16} aria-hidden />} onClick={add}>
          {text("Add credentials")}
        </Button>
      }
    >
      {error !== null && <ErrorNotice error={error} onRetry={() => void refetch()} />}
      {isPending && <Loading rows={4} height={150} />}
      {data !== undefined && all.length === 0 && (
        <Empty icon={Network} title={text("There is no credential yet")}>
          <p className="mb-3">
            {text("Add the keys of your providers. Each is used as soon as it is there.")}
          </p>
          <Button look="primary" onClick={add}>
            {text("Add credentials")}
          </Button>
        </Empty>
      )}
      {all.length > 0 && (
        <>
          <Filters all={all} />
          {shown.length === 0 && (
            <Empty title={text("No credential matches")}>
              <Button onClick={() => write({ q: "", state: "", at: "" })}>{text("Show all")}</Button>
            </Empty>
          )}
          <CardGrid credentials={shown} onTest={setTested} />
          {only !== "" && isFiltered && (
            <Button className="self-start" onClick={() => write({ at: "" })}>
              {text("Show all")}
            </Button>
          )}
        </>
      )}
      <AddDialog
        isOpen={read("add") !== ""}
        onClose={() => write({ add: "" })}
        upstreams={[...new Set(all.map(({ upstream }) => upstream))]}
      />
      {tested !== null && <TestDialog credential={tested} onClose={() => setTested(null)} />}
    </Page>
  );
}

/** How many are in each state, each of them a filter, and a search. */
function Filters({ all }: { all: readonly Credential[] }) {
  const text = useText();
  const [read, write] = usePlace();
  const chosen = read("state");
  const counted = STATE_NAMES.map((state) => ({
    state,
    count: all.filter((one) => one.state === state).length,
  }));
  return (
    <div className="flex flex-wrap items-center gap-2">
      <fieldset className="flex flex-wrap gap-1.5">
        <legend className="sr-only">{text("State")}</legend>
        {counted
          .filter(({ state, count }) => count > 0 || state === chosen)
          .map(({ state, count }) => {
            const { title, icon: Icon, help } = STATES[state];
            const isOn = state === chosen;
            return (
              <button
                key={state}
                type="button"
                aria-pressed={isOn}
                title={text(help)}
                onClick={() => write({ state: isOn ? "" : state })}
                className={`inline-flex h-[34px] items-center gap-1.5 rounded-full border px-3 font-medium ${isOn ? "border-accent bg-accent-soft text-accent" : "border-line bg-surface hover:bg-hover"}`}
              >
                <Icon size={15} aria-hidden />
                {text(title)} <span className="tabular text-muted">{count}</span>
              </button>
            );
          })}
      </fieldset>
      <input
        type="search"
        data-search
        aria-label={text("Find a credential")}
        placeholder={text("Find a credential")}
        value={read("q")}
        onChange={({ target }) => write({ q: target.value }, { replace: true })}
        className="field max-w-64 flex-1 basis-40"
      />
    </div>
  );
}
