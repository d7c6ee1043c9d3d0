import { useQuery } from "@tanstack/react-query";
import { Boxes, Route as RouteIcon } from "lucide-react";
import { useDeferredValue, useState } from "react";
import type { ReplyOf } from "../../../../src/admin/contract.ts";
import { Button } from "../../components/button.tsx";
import { Empty, ErrorNotice, Loading } from "../../components/notice.tsx";
import { Page } from "../../components/page.tsx";
import { call } from "../../lib/api.ts";
import { usePlace } from "../../lib/place.ts";
import { useText } from "../../lib/text.ts";
import { ExplainDialog } from "./explain-dialog.tsx";
import { TargetFlow } from "./target-flow.tsx";

type Model = ReplyOf<"listModels">["models"][number];

/** More are found by their names: nobody reads a longer list. */
const SHOWN = 300;

export function ModelsPage() {
  const text = useText();
  const [read, write] = usePlace();
  const [isExplaining, setExplaining] = useState(false);
  const { data, error, isPending, refetch } = useQuery({
    queryKey: ["models"],
    queryFn: ({ signal }) => call("listModels", { signal }),
  });
  const typed = useDeferredValue(read("q").toLowerCase());
  const all = data?.models ?? [];
  const found = all.filter(
    ({ name, targets }) =>
      typed === "" ||
      `${name} ${targets.map((one) => `${one.upstream}/${one.model}`).join(" ")}`
        .toLowerCase()
        .includes(typed),
  );
  return (
    <Page
      title={text("Models")}
      tools={
        <Button icon={<RouteIcon size={16} aria-hidden />} onClick={() => setExplaining(true)}>
          {text("Try a plan…")}
        </Button>
      }
    >
      <div className="flex flex-wrap items-center gap-2">
        <input
          type="search"
          data-search
          aria-label={text("Find a model")}
          placeholder={text("Find a model")}
          value={read("q")}
          onChange={({ target }) => write({ q: target.value }, { replace: true })}
          className="field max-w-80 flex-1 basis-44"
        />
        {data !== undefined && (
          <p className="tabular text-[13px] text-muted">
            {text("{count, plural, one {# model} other {# models}}", { count: found.length })}
          </p>
        )}
      </div>
      {error !== null && <ErrorNotice error={error} onRetry={() => void refetch()} />}
      {isPending && <Loading rows={6} height={72} />}
      {data !== undefined && found.length === 0 && (
        <div className="panel">
          <Empty
            icon={Boxes}
            title={all.length === 0 ? text("No model is known yet") : text("No model matches")}
          >
            {all.length === 0
              ? text(
                  "Models come from the lists of your upstreams, and from [[models]] in the configuration.",
                )
              : text("A client may ask for a name that is in no list, too.")}
          </Empty>
        </div>
      )}
      <ul className="flex flex-col gap-2">
        {found.slice(0, SHOWN).map((model) => (
          <li
            key={`${model.from} ${model.name}`}
            className="[contain-intrinsic-size:auto_92px] [content-visibility:auto]"
          >
            <ModelCard model={model} />
          </li>
        ))}
      </ul>
      {found.length > SHOWN && (
        <p className="text-center text-muted">{text("More models match. Type more of the name.")}</p>
      )}
      {isExplaining && <ExplainDialog onClose={() => setExplaining(false)} />}
    </Page>
  );
}

function ModelCard({ model: { name, from, targets, overflow, refusal } }: { model: Model }) {
  const text = useText();
  return (
    <article aria-label={name} className="panel flex flex-col gap-2 p-4">
      <div className="flex flex-wrap items-baseline gap-x-3">
        <h2 className="min-w-0 font-mono text-[14px] break-all">{name}</h2>
        <span className="text-[13px] text-muted">
          {from === "entry" ? text("from [[models]]") : text("from the upstream's list")}
        </span>
      </div>
      <TargetFlow title={null} targets={targets} />
      {overflow.length > 0 && <TargetFlow title={text("When the prompt is too long")} targets={overflow} />}
      {refusal.length > 0 && <TargetFlow title={text("When the content is refused")} targets={refusal} />}
    </article>
  );
}
