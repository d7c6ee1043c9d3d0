import { type ReactNode, useState } from "react";
import { Choice } from "../../components/choice.tsx";
import { duration } from "../../lib/format.ts";
import { useText } from "../../lib/text.ts";
import { BodyView, HeadersView } from "./body-view.tsx";
import type { Captured, CapturedBody } from "./capture-texts.ts";

type Call = Captured["calls"][number];

/** What the client sent and got beside what the upstream got and sent. */
export function CaptureSides({ captured }: { captured: Captured }) {
  const text = useText();
  const [isRaw, setRaw] = useState(false);
  const { calls, callsLeftOut, dialect, request, reply } = captured;
  const [at, setAt] = useState(Math.max(0, calls.length - 1));
  const call = calls[at];
  return (
    <>
      <div className="flex flex-wrap gap-2">
        <Choice
          label={text("How bodies are shown")}
          value={isRaw ? "raw" : "readable"}
          options={[
            { value: "readable", label: text("Readable") },
            { value: "raw", label: text("As it came") },
          ]}
          onChoose={(form) => setRaw(form === "raw")}
        />
        {calls.length > 1 && (
          <Choice
            label={text("Calls to upstreams")}
            value={String(at)}
            options={calls.map((one, index) => ({
              value: String(index),
              label: `${index + 1} · ${one.upstream}/${one.credential}`,
            }))}
            onChoose={(index) => setAt(Number(index))}
          />
        )}
      </div>
      {callsLeftOut > 0 && (
        <p className="text-[13px] text-warn">
          {text("{count, plural, one {# more call was} other {# more calls were}} not kept.", {
            count: callsLeftOut,
          })}
        </p>
      )}
      <div className="grid gap-x-4 gap-y-5 lg:grid-cols-2">
        <Side title={text("The client sent")} note={dialect} line={`${request.method} ${request.path}`}>
          <HeadersView headers={request.headers} />
          <BodyView
            label={text("The client sent")}
            body={request.body}
            isRaw={isRaw}
            other={call?.request.body}
          />
        </Side>
        {call === undefined ? (
          <p className="text-muted">{text("No upstream was asked.")}</p>
        ) : (
          <UpstreamRequest call={call} other={request.body} isRaw={isRaw} />
        )}
        <Side
          title={text("The client got")}
          note={reply?.isBroken === true ? text("the connection was broken off") : ""}
          line={reply === null ? "" : String(reply.status)}
        >
          {reply === null ? (
            <p className="text-muted">{text("Nothing: the client had left.")}</p>
          ) : (
            <>
              <HeadersView headers={reply.headers} />
              <BodyView label={text("The client got")} body={reply.body} isRaw={isRaw} />
            </>
          )}
        </Side>
        {call !== undefined && <UpstreamReply call={call} isRaw={isRaw} />}
      </div>
    </>
  );
}

function UpstreamRequest({ call, other, isRaw }: { call: Call; other: CapturedBody | null; isRaw: boolean }) {
  const text = useText();
  const { request, dialect } = call;
  const title = text("The upstream got");
  return (
    <Side title={title} note={dialect} line={`${request.method} ${request.url}`}>
      <HeadersView headers={request.headers} />
      <BodyView label={title} body={request.body} isRaw={isRaw} other={other} />
    </Side>
  );
}

function UpstreamReply({ call, isRaw }: { call: Call; isRaw: boolean }) {
  const text = useText();
  const { reply, error, sentMs, endMs } = call;
  const title = text("The upstream sent");
  return (
    <Side
      title={title}
      note={endMs === null ? "" : duration(endMs - sentMs)}
      line={reply === null ? "" : String(reply.status)}
    >
      {error !== null && <p className="text-[13px] break-words text-bad">{error}</p>}
      {reply !== null && (
        <>
          <HeadersView headers={reply.headers} />
          <BodyView label={title} body={reply.body} isRaw={isRaw} />
        </>
      )}
    </Side>
  );
}

function Side({
  title,
  note,
  line,
  children,
}: {
  title: string;
  note: string;
  line: string;
  children: ReactNode;
}) {
  return (
    <section aria-label={title} className="flex min-w-0 flex-col gap-1.5">
      <h3 className="flex flex-wrap gap-x-2 font-medium">
        {title}
        <span className="font-normal text-muted">{note}</span>
      </h3>
      {line !== "" && <p className="font-mono text-[12.5px] break-all">{line}</p>}
      {children}
    </section>
  );
}
