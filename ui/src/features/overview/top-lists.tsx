import { Link } from "wouter";
import { Panel } from "../../components/page.tsx";
import { compact, dollars, percent } from "../../lib/format.ts";
import { useText } from "../../lib/text.ts";
import type { Overview } from "./metrics.ts";

type Top = Overview["top"]["models"];

/** What costs most, or is asked most where nothing has a cost. */
export function TopLists({ overview: { top, fromMs, toMs } }: { overview: Overview }) {
  const text = useText();
  const range = `from=${fromMs}&to=${toMs}`;
  return (
    <div className="grid gap-3 lg:grid-cols-3">
      <TopList
        title={text("Models")}
        top={top.models}
        linkOf={(value) => `/requests?model=${value}&${range}`}
      />
      <TopList title={text("Keys")} top={top.keys} linkOf={(value) => `/keys/${value}`} />
      <TopList title={text("Credentials")} top={top.credentials} linkOf={(value) => `/pool?at=${value}`} />
    </div>
  );
}

function TopList({ title, top, linkOf }: { title: string; top: Top; linkOf: (value: string) => string }) {
  const text = useText();
  const most = Math.max(1, ...top.map(({ costNanoUsd, requests }) => Number(costNanoUsd ?? 0) || requests));
  return (
    <Panel title={title}>
      {top.length === 0 && <p className="text-muted">{text("No request in this range.")}</p>}
      <ul>
        {top.map((one) => (
          <li key={one.value ?? "\0"} className="border-t border-line py-1.5 first:border-t-0">
            <div className="flex items-baseline gap-3">
              <span className="min-w-0 flex-1 truncate">
                {one.value === null ? (
                  text("All others")
                ) : one.value === "" ? (
                  text("None")
                ) : (
                  <Link
                    href={linkOf(encodeURIComponent(one.value))}
                    className="block truncate leading-6 hover:underline"
                    title={one.value}
                  >
                    {one.value}
                  </Link>
                )}
              </span>
              <span className="tabular text-[13px] text-muted">
                {text("{count, plural, one {{shown} request} other {{shown} requests}}", {
                  count: one.requests,
                  shown: compact(one.requests),
                })}
                {one.errors > 0 && (
                  <span className="text-bad">
                    {" "}
                    {text("{share} failed", { share: percent(one.errors / one.requests) })}
                  </span>
                )}
              </span>
              <span className="tabular w-20 text-right font-medium">{dollars(one.costNanoUsd)}</span>
            </div>
            <div aria-hidden className="mt-1 h-1 rounded-full bg-sunken">
              <div
                className="h-1 rounded-full bg-accent"
                style={{
                  width: `${Math.max(1, ((Number(one.costNanoUsd ?? 0) || one.requests) / most) * 100)}%`,
                }}
              />
            </div>
          </li>
        ))}
      </ul>
    </Panel>
  );
}
