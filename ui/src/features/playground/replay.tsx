import { useQuery } from "@tanstack/react-query";
import { Send, Square } from "lucide-react";
import { type FormEvent, useRef, useState } from "react";
import { Link } from "wouter";
import type { ReplyOf } from "../../../../src/admin/contract.ts";
import { Button } from "../../components/button.tsx";
import { AreaField, Field } from "../../components/field.tsx";
import { ErrorNotice, Loading, Notice } from "../../components/notice.tsx";
import { Panel } from "../../components/page.tsx";
import { call } from "../../lib/api.ts";
import { useText } from "../../lib/text.ts";
import { type Answer, runRequest } from "./answer.ts";
import { AnswerView } from "./answer-view.tsx";
import { dialectOf } from "./dialects.ts";
import { type Replayed, replayOf } from "./replayed.ts";

/** A captured request, to be sent once more as it is or with changes. */
export function Replay({ id }: { id: string }) {
  const text = useText();
  const { data, error, isPending, refetch } = useQuery({
    queryKey: ["requests", "capture", id],
    queryFn: ({ signal }) => call("getCapture", { params: { id }, signal }),
    retry: false,
  });
  const replayed = data === undefined ? null : replayOf(data);
  return (
    <Panel
      title={text("Replay of a captured request")}
      tools={
        <Link href={`/requests/${encodeURIComponent(id)}`} className="text-accent underline">
          {text("The request")}
        </Link>
      }
    >
      {error !== null && <ErrorNotice error={error} onRetry={() => void refetch()} />}
      {isPending && <Loading rows={3} height={60} />}
      {data !== undefined && replayed === null && (
        <Notice tone="warn">
          {text("Its body is not whole, or is no JSON object, so it cannot be sent again.")}
        </Notice>
      )}
      {data !== undefined && replayed !== null && <ReplayForm key={id} captured={data} replayed={replayed} />}
    </Panel>
  );
}

function ReplayForm({ captured, replayed }: { captured: ReplyOf<"getCapture">; replayed: Replayed }) {
  const text = useText();
  const [path, setPath] = useState(replayed.path);
  const [typed, setTyped] = useState(replayed.body);
  const [answer, setAnswer] = useState<Answer | null>(null);
  const running = useRef<AbortController | null>(null);
  const body = objectIn(typed);
  const isRunning = answer?.isRunning === true;
  const send = (event: FormEvent): void => {
    event.preventDefault();
    if (body === null || isRunning) return;
    const abort = new AbortController();
    running.current = abort;
    const asked = { path, body, headers: replayed.headers };
    void runRequest(dialectOf(captured.dialect), asked, abort.signal, (now) => {
      if (running.current === abort) setAnswer(now);
    });
  };
  return (
    <form onSubmit={send} className="flex flex-col gap-3">
      <Field label={text("Route")} value={path} onChange={({ target }) => setPath(target.value)} />
      <AreaField
        label={text("Body")}
        rows={16}
        spellCheck={false}
        value={typed}
        onChange={({ target }) => setTyped(target.value)}
        help={
          body === null
            ? text("This is no JSON object yet.")
            : text("It is sent as the admin, costs money and has a row in the ledger.")
        }
      />
      <div className="flex justify-end">
        {isRunning ? (
          <Button icon={<Square size={14} aria-hidden />} onClick={() => running.current?.abort()}>
            {text("Stop")}
          </Button>
        ) : (
          <Button look="primary" type="submit" disabled={body === null} icon={<Send size={15} aria-hidden />}>
            {text("Send")}
          </Button>
        )}
      </div>
      {answer !== null && <AnswerView answer={answer} />}
    </form>
  );
}

function objectIn(typed: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(typed);
    return typeof value === "object" && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : null;
  } catch {
    return null;
  }
}
