import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Trash2 } from "lucide-react";
import { Link } from "wouter";
import { Button, buttonClass } from "../../components/button.tsx";
import { CopyButton } from "../../components/copy-button.tsx";
import { ErrorNotice, Loading } from "../../components/notice.tsx";
import { Panel } from "../../components/page.tsx";
import { useToast } from "../../components/toasts.tsx";
import { ApiError, call } from "../../lib/api.ts";
import { useSession } from "../../lib/session.ts";
import { useText } from "../../lib/text.ts";
import { curlOf } from "./capture-curl.ts";
import { CaptureSides } from "./capture-sides.tsx";
import type { Captured } from "./capture-texts.ts";

/** Heads and bodies of a request; where there are none, why. */
export function CapturePanel({ id, keyName }: { id: string; keyName: string }) {
  const text = useText();
  const { data, error, isPending, refetch } = useQuery({
    queryKey: ["requests", "capture", id],
    queryFn: ({ signal }) => call("getCapture", { params: { id }, signal }),
    retry: false,
  });
  const isAbsent = error instanceof ApiError && error.status === 404;
  return (
    <Panel
      title={text("Heads and bodies")}
      tools={data !== undefined && <Tools captured={data} />}
      className="min-h-28"
    >
      {isPending && <Loading rows={2} height={40} />}
      {error !== null && !isAbsent && <ErrorNotice error={error} onRetry={() => void refetch()} />}
      {isAbsent && <WhyAbsent keyName={keyName} />}
      {data !== undefined && (
        <div className="flex flex-col gap-3">
          <CaptureSides captured={data} />
        </div>
      )}
    </Panel>
  );
}

function Tools({ captured }: { captured: Captured }) {
  const text = useText();
  const toast = useToast();
  const queries = useQueryClient();
  const baseUrl = useSession()?.baseUrl ?? location.origin;
  const curl = curlOf(baseUrl, captured);
  const { mutate, isPending } = useMutation({
    mutationFn: () => call("deleteCapture", { params: { id: captured.id } }),
    onSuccess: () => {
      toast({ title: text("It was overwritten and deleted.") });
      return queries.invalidateQueries({ queryKey: ["requests", "capture", captured.id] });
    },
    onError: (cause) => toast({ title: cause.message, isBad: true }),
  });
  return (
    <div className="flex flex-wrap gap-2">
      {curl !== null && captured.request.method === "POST" && (
        <Link href={`/playground?replay=${encodeURIComponent(captured.id)}`} className={buttonClass("plain")}>
          {text("Replay in the playground")}
        </Link>
      )}
      {curl !== null && <CopyButton value={curl} label={text("Copy as curl")} />}
      <Button
        look="danger"
        icon={<Trash2 size={15} aria-hidden />}
        isBusy={isPending}
        onClick={() => mutate()}
      >
        {text("Delete what was captured")}
      </Button>
    </div>
  );
}

/** Says how the capture is switched on, for the gateway and for the key. */
function WhyAbsent({ keyName }: { keyName: string }) {
  const text = useText();
  const { data } = useQuery({
    queryKey: ["captures"],
    queryFn: ({ signal }) => call("getCaptureState", { signal }),
  });
  if (data === undefined) return <Loading rows={1} height={40} />;
  const isOfKey = data.keys.includes(keyName);
  return (
    <div className="flex flex-col gap-2 text-muted">
      <p>
        {data.isOn && isOfKey
          ? text("Nothing was kept of this request: it is older than the capture, or was deleted since.")
          : text("Prompts and answers are not kept unless somebody switches it on.")}
      </p>
      {!data.isOn && (
        <p>
          {text("Capture is off for the gateway.")}{" "}
          <Link href="/settings?q=capture" className="text-accent underline">
            {text("Switch it on in the settings")}
          </Link>
        </p>
      )}
      {!isOfKey && (
        <p>
          {text("Capture is off for the key {name}.", { name: keyName })}{" "}
          <Link href={`/keys/${encodeURIComponent(keyName)}`} className="text-accent underline">
            {text("Switch it on for the key")}
          </Link>
        </p>
      )}
      {data.failure !== null && (
        <p className="text-bad">{text("Nothing can be captured now: {reason}", { reason: data.failure })}</p>
      )}
    </div>
  );
}
