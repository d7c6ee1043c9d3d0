import { useQuery } from "@tanstack/react-query";
import { ArrowLeft } from "lucide-react";
import type { ReactNode } from "react";
import type { ReplyOf } from "../../../../src/admin/contract.ts";
import { Badge } from "../../components/badge.tsx";
import { CopyButton } from "../../components/copy-button.tsx";
import { ErrorNotice, Loading } from "../../components/notice.tsx";
import { Page, Panel } from "../../components/page.tsx";
import { call } from "../../lib/api.ts";
import { dollars, duration, fullTime, NONE, whole } from "../../lib/format.ts";
import { useText } from "../../lib/text.ts";
import type { Message } from "../../locales/messages.ts";
import { CapturePanel } from "./capture-panel.tsx";
import { CostLines } from "./cost-lines.tsx";
import { OUTCOMES } from "./outcomes.ts";
import { Timeline } from "./timeline.tsx";

type OneRequestReply = ReplyOf<"getRequest">;

export function OneRequest({ id }: { id: string }) {
  const text = useText();
  const { data, error, isPending, refetch } = useQuery({
    queryKey: ["requests", "one", id],
    queryFn: ({ signal }) => call("getRequest", { params: { id }, signal }),
  });
  return (
    <Page
      title={text("Request")}
      tools={
        <>
          <button
            type="button"
            onClick={() => history.back()}
            className="inline-flex items-center gap-1 text-muted hover:text-ink"
          >
            <ArrowLeft size={16} aria-hidden />
            {text("Back")}
          </button>
          <CopyButton value={id} label={text("Copy the id")} />
        </>
      }
    >
      <p className="-mt-3 font-mono text-[13px] break-all text-muted">{id}</p>
      {error !== null && <ErrorNotice error={error} onRetry={() => void refetch()} />}
      {isPending && <Loading rows={4} height={120} />}
      {data !== undefined && <Details request={data} />}
    </Page>
  );
}

function Details({ request }: { request: OneRequestReply }) {
  const text = useText();
  const { row, timeline, plan, drops, usage, tags } = request;
  const { title, tone } = OUTCOMES[row.outcome];
  const answered = row.modelUsed !== null && row.modelUsed !== row.modelAsked ? ` → ${row.modelUsed}` : "";
  return (
    <>
      <Panel>
        <div className="flex flex-wrap items-center gap-x-4 gap-y-2 pt-2">
          <Badge tone={tone}>
            {text(title)} {row.status}
          </Badge>
          <strong className="min-w-0 break-all">
            {row.modelAsked ?? row.endpoint}
            {answered}
          </strong>
          <span className="tabular">{duration(row.durationMs)}</span>
          <span className="tabular">{dollars(row.costNanoUsd)}</span>
          <span className="tabular text-muted">{fullTime(row.atMs)}</span>
        </div>
        {row.errorKind !== null && <p className="mt-2 font-mono text-[13px] text-bad">{row.errorKind}</p>}
      </Panel>
      <Panel title={text("Timeline")}>
        <Timeline steps={timeline} durationMs={row.durationMs} />
      </Panel>
      <div className="grid items-start gap-3 lg:grid-cols-2">
        <Panel title={text("Cost")}>
          <CostLines cost={request.cost} />
        </Panel>
        <Panel title={text("Usage")}>
          <Facts
            facts={Object.entries(usage).map(([kind, units]) => [
              USAGE[kind] === undefined ? wordsOf(kind) : text(USAGE[kind]),
              whole(units),
            ])}
          />
          {row.usageState !== "final" && (
            <p className="mt-2 text-[13px] text-warn">
              {text("The provider did not report it in full: {state}", { state: row.usageState })}
            </p>
          )}
        </Panel>
        <Panel title={text("Who and how")}>
          <Facts
            facts={[
              [text("Key"), row.key],
              [text("Team"), row.team],
              [
                text("Route"),
                `${row.dialect} · ${row.endpoint}${row.isStream ? ` · ${text("stream")}` : ""}`,
              ],
              [text("Upstream"), row.upstream],
              [text("Credential"), row.credential],
              [text("Dialect of the upstream"), request.upstreamDialect],
              [text("Model that answered"), request.modelReported ?? row.modelUsed],
              [text("Why it ended"), row.stopReason],
              [text("Response cache"), row.cache],
              [text("Tags"), tags.length === 0 ? null : tags.join(", ")],
              [text("User"), request.endUser],
              [text("Address"), request.clientAddress],
              [text("Client"), request.userAgent],
              [text("Client's request id"), request.clientRequestId],
              [text("Provider's request id"), request.upstreamRequestId],
              [text("Bytes in and out"), `${whole(request.requestBytes)} · ${whole(request.replyBytes)}`],
            ]}
          />
        </Panel>
        <div className="flex flex-col gap-3">
          <Panel title={text("Plan")}>
            {plan.length === 0 && <p className="text-muted">{text("The model has no target now.")}</p>}
            <ol className="flex list-decimal flex-col gap-1 pl-5">
              {plan.map(({ upstream, model }) => (
                <li key={`${upstream} ${model}`} className="break-all">
                  {upstream} · {model}
                </li>
              ))}
            </ol>
          </Panel>
          <Panel title={text("Left out in translation")}>
            {drops.length === 0 && <p className="text-muted">{text("Nothing was left out.")}</p>}
            <ul className="flex flex-col gap-1">
              {drops.map(({ field, reason }) => (
                <li key={`${field} ${reason}`} className="break-words">
                  <code className="font-mono text-[13px]">{field}</code>{" "}
                  <span className="text-muted">{reason}</span>
                </li>
              ))}
            </ul>
          </Panel>
        </div>
      </div>
      <CapturePanel id={row.id} keyName={row.key} />
    </>
  );
}

/** Kinds that most requests have; others are rare. */
const USAGE: Readonly<Record<string, Message>> = {
  inputTokens: "Input tokens",
  cacheReadTokens: "Cache read",
  cacheWriteTokens: "Cache write",
  cacheWrite1hTokens: "Cache write for an hour",
  outputTokens: "Output tokens",
  reasoningTokens: "Thinking tokens",
  inputImageTokens: "Images in",
  inputAudioTokens: "Audio in",
  outputImageTokens: "Images out",
  outputAudioTokens: "Audio out",
  webSearches: "Web searches",
};

/** `cacheWrite1hTokens` → `cache write 1h tokens`. */
const wordsOf = (kind: string): string => kind.replace(/([a-z])([A-Z0-9])/g, "$1 $2").toLowerCase();

/** Names and values; what is not known is left out. */
function Facts({ facts }: { facts: readonly (readonly [name: string, value: ReactNode])[] }) {
  const known = facts.filter(([, value]) => value !== null && value !== "");
  if (known.length === 0) return <p className="text-muted">{NONE}</p>;
  return (
    <dl className="grid grid-cols-[minmax(90px,auto)_1fr] gap-x-4 gap-y-1">
      {known.map(([name, value]) => (
        <div key={name} className="contents">
          <dt className="text-muted">{name}</dt>
          <dd className="tabular min-w-0 break-all">{value}</dd>
        </div>
      ))}
    </dl>
  );
}
