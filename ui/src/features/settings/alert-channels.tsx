import { useMutation, useQuery } from "@tanstack/react-query";
import { Send } from "lucide-react";
import type { ReplyOf } from "../../../../src/admin/contract.ts";
import { Badge } from "../../components/badge.tsx";
import { Button } from "../../components/button.tsx";
import { ErrorNotice, Loading } from "../../components/notice.tsx";
import { call } from "../../lib/api.ts";
import { useGatewayText } from "../../lib/gateway-text.ts";
import { useText } from "../../lib/text.ts";

type Channel = ReplyOf<"listAlertChannels">["channels"][number];

/** The channels of alerts as they are saved, how they do, and a test of each. */
export function AlertChannels() {
  const text = useText();
  const { data, error, isPending, refetch } = useQuery({
    // Below the settings, so that a saved change reads the channels anew.
    queryKey: ["settings", "alert-channels"],
    queryFn: ({ signal }) => call("listAlertChannels", { signal }),
  });
  return (
    <section className="panel px-4 py-3">
      <h2 className="font-medium">{text("Where alerts go")}</h2>
      {isPending && <Loading rows={1} />}
      {error !== null && <ErrorNotice error={error} onRetry={() => void refetch()} />}
      {data?.channels.length === 0 && (
        <p className="text-[13px] text-muted">
          {text("No channel is set up, so nobody is told. Add an entry to alerts.channels.")}
        </p>
      )}
      {data !== undefined && data.channels.length > 0 && (
        <>
          <p className="text-[13px] text-muted">{text("A channel is tested as it is saved.")}</p>
          <ul className="divide-y divide-line">
            {data.channels.map((channel) => (
              <ChannelLine key={channel.name} channel={channel} />
            ))}
          </ul>
        </>
      )}
    </section>
  );
}

function ChannelLine({ channel: { name, kind, receiver, waiting, problem } }: { channel: Channel }) {
  const text = useText();
  const said = useGatewayText();
  const { mutate, data, error, isPending } = useMutation({
    mutationFn: () => call("testAlertChannel", { params: { name } }),
  });
  return (
    <li className="flex flex-col gap-2 py-2">
      <div className="flex flex-wrap items-center gap-x-3 gap-y-1">
        <span className="font-mono text-[13px] font-medium break-all">{name}</span>
        <span className="min-w-0 flex-1 text-[13px] break-all text-muted">
          {kind} · {receiver}
        </span>
        {waiting > 0 && (
          <Badge tone="warn">
            {text("{count, plural, one {# alert waits} other {# alerts wait}}", { count: waiting })}
          </Badge>
        )}
        <Button
          icon={<Send size={15} aria-hidden />}
          isBusy={isPending}
          aria-label={text("Send a test to {name}", { name })}
          onClick={() => mutate()}
        >
          {text("Send a test")}
        </Button>
      </div>
      {problem !== null && data === undefined && (
        <p className="text-[13px] break-words text-bad">{said(problem)}</p>
      )}
      {error !== null && <ErrorNotice error={error} />}
      {data !== undefined && (
        <div role="status" className="flex flex-col gap-1 rounded-[8px] bg-sunken p-3 text-[13px]">
          <Badge tone={data.isTaken ? "good" : "bad"}>
            {data.isTaken ? text("It took the test") : text("It did not take the test")}
          </Badge>
          {data.problem !== null && <p className="break-words">{said(data.problem)}</p>}
          {data.said !== "" && (
            <p className="break-words text-muted">{text("It says: {words}", { words: data.said })}</p>
          )}
        </div>
      )}
    </li>
  );
}
