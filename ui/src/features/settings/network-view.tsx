import { useMutation, useQuery } from "@tanstack/react-query";
import { Stethoscope } from "lucide-react";
import { Badge, type Tone } from "../../components/badge.tsx";
import { Button } from "../../components/button.tsx";
import { ErrorNotice, Loading } from "../../components/notice.tsx";
import { call } from "../../lib/api.ts";
import { fullTime } from "../../lib/format.ts";
import { useGatewayText } from "../../lib/gateway-text.ts";
import { type Text, useText } from "../../lib/text.ts";
import type { Message } from "../../locales/messages.ts";

const TONES: Record<"ok" | "warning" | "problem", Tone> = { ok: "good", warning: "warn", problem: "bad" };
const LEVELS: Record<"ok" | "warning" | "problem", Message> = {
  ok: "In order",
  warning: "Doubtful",
  problem: "Broken",
};

/** The ways to the upstreams, how their proxies do, and a look at all that the gateway needs. */
export function NetworkView() {
  const text = useText();
  const { data, error, isPending, refetch } = useQuery({
    queryKey: ["network"],
    queryFn: ({ signal }) => call("getNetwork", { signal }),
  });
  return (
    <>
      {error !== null && <ErrorNotice error={error} onRetry={() => void refetch()} />}
      {isPending && <Loading rows={4} height={56} />}
      {data !== undefined && (
        <section aria-label={text("Ways to the upstreams")} className="panel divide-y divide-line">
          {data.upstreams.map(({ name, origin, isReachable, ways }) => (
            <div key={name} className="flex flex-wrap items-center gap-x-3 gap-y-1 px-4 py-2.5">
              <span className="font-medium">{name}</span>
              <span className="min-w-0 flex-1 basis-60 font-mono text-[13px] break-all text-muted">
                {origin}
                {summaryOf(ways, text)}
              </span>
              <Badge tone={isReachable ? "good" : "bad"}>
                {text(isReachable ? "Reachable" : "Not reachable")}
              </Badge>
            </div>
          ))}
        </section>
      )}
      {data !== undefined && data.proxies.length > 0 && (
        <section aria-label={text("Proxies")} className="panel divide-y divide-line">
          {data.proxies.map(({ name, isWorking, connections, failures, lastFailure }) => (
            <div key={name} className="flex flex-wrap items-center gap-x-3 gap-y-1 px-4 py-2.5">
              <span className="font-mono text-[13px] break-all">{name}</span>
              <span className="min-w-0 flex-1 basis-60 text-[13px] text-muted">
                {text("{connections} connections, {failures} failures", { connections, failures })}
                {lastFailure !== null && ` · ${fullTime(lastFailure.atMs)}: ${lastFailure.message}`}
              </span>
              <Badge tone={isWorking ? "good" : "bad"}>{text(isWorking ? "Works" : "Fails")}</Badge>
            </div>
          ))}
        </section>
      )}
      <Doctor />
    </>
  );
}

/** Behind the address: the proxies on the way, each once. */
function summaryOf(ways: readonly { readonly proxy: string | null }[], text: Text): string {
  const proxies = [...new Set(ways.map(({ proxy }) => proxy ?? text("direct")))];
  return proxies.length === 0 ? "" : ` · ${proxies.join(", ")}`;
}

function Doctor() {
  const text = useText();
  const said = useGatewayText();
  const { data, error, isPending, mutate } = useMutation({ mutationFn: () => call("examine", { body: {} }) });
  return (
    <section aria-label={text("Doctor")} className="panel flex flex-col gap-3 p-4">
      <div className="flex flex-wrap items-center gap-3">
        <p className="min-w-0 flex-1 basis-60 text-muted">
          {text("Looks at files, disk and clock, and asks each upstream for its models with each key.")}
        </p>
        <Button disabled={isPending} onClick={() => mutate()}>
          <Stethoscope size={15} aria-hidden />
          {text(isPending ? "Looking…" : "Look at everything")}
        </Button>
      </div>
      {error !== null && <ErrorNotice error={error} onRetry={() => mutate()} />}
      {data !== undefined && (
        <ul className="divide-y divide-line" aria-label={text("Findings")}>
          {data.findings.map(({ check, about, level, message, repair }) => (
            <li
              key={`${check} ${about} ${message}`}
              className="flex flex-wrap items-baseline gap-x-3 gap-y-1 py-2"
            >
              <Badge tone={TONES[level]}>{text(LEVELS[level])}</Badge>
              <div className="min-w-0 flex-1 basis-60">
                <p className="break-words">
                  {about !== "" && <span className="font-mono text-[13px]">{about} </span>}
                  {said(message)}
                </p>
                {repair !== null && repair !== "" && <p className="break-words text-muted">{said(repair)}</p>}
              </div>
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}
