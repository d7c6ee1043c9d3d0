import { Link } from "wouter";
import { ErrorNotice } from "../../components/notice.tsx";
import { dollars, duration } from "../../lib/format.ts";
import { useText } from "../../lib/text.ts";
import type { Answer } from "./answer.ts";

/** An answer as it comes. All that a model says is shown as text. */
export function AnswerView({ answer }: { answer: Answer }) {
  const text = useText();
  const { thinking, tools, error, isRunning, firstPieceMs, durationMs, costNanoUsd, requestId } = answer;
  return (
    <div className="flex flex-col gap-2" aria-live="polite" aria-busy={isRunning}>
      {thinking !== "" && (
        <details open={answer.text === ""}>
          <summary className="w-fit text-[13px] text-muted">{text("Thinking")}</summary>
          <p className="border-l-2 border-line pl-3 text-[13px] break-words whitespace-pre-wrap text-muted">
            {thinking}
          </p>
        </details>
      )}
      {answer.text !== "" && <p className="break-words whitespace-pre-wrap">{answer.text}</p>}
      {tools !== "" && (
        <pre className="overflow-x-auto rounded-[7px] bg-sunken p-2 font-mono text-[12.5px] whitespace-pre-wrap">
          {tools}
        </pre>
      )}
      {isRunning && <p className="animate-pulse text-muted">…</p>}
      {error !== null && <ErrorNotice error={error} />}
      {!isRunning && (
        <p className="tabular flex flex-wrap gap-x-3 text-[13px] text-muted">
          <span>
            {text("First token")} {duration(firstPieceMs)}
          </span>
          <span>{duration(durationMs)}</span>
          <span>{dollars(costNanoUsd)}</span>
          {requestId !== null && (
            <Link href={`/requests/${requestId}`} className="text-accent underline">
              {text("The request")}
            </Link>
          )}
        </p>
      )}
    </div>
  );
}
