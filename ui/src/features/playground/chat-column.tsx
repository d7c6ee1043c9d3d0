import { Link } from "wouter";
import { CopyButton } from "../../components/copy-button.tsx";
import { Field, SelectField } from "../../components/field.tsx";
import { ErrorNotice } from "../../components/notice.tsx";
import { dollars, duration } from "../../lib/format.ts";
import { useSession } from "../../lib/session.ts";
import { useText } from "../../lib/text.ts";
import { ask, DIALECT_NAMES, DIALECTS, type Dialect } from "./dialects.ts";
import { requestSnippets } from "./request-snippets.ts";
import type { Answer, Chat } from "./use-chat.ts";

/** One model's side. All that a model says is shown as text. */
export function ChatColumn({
  chat,
  listId,
  model,
  dialect,
  system,
  onModel,
  onDialect,
}: {
  chat: Chat;
  listId: string;
  model: string;
  dialect: Dialect;
  system: string;
  onModel: (model: string) => void;
  onDialect: (dialect: Dialect) => void;
}) {
  const text = useText();
  const baseUrl = useSession()?.baseUrl ?? location.origin;
  const { turns, answer } = chat;
  const isAnswered = turns.at(-1)?.role === "assistant";
  const before = isAnswered ? turns.slice(0, -1) : turns;
  return (
    <section
      aria-label={model === "" ? text("Model") : model}
      className="panel flex min-w-0 flex-col gap-3 p-4"
    >
      <div className="grid gap-3 sm:grid-cols-2">
        <Field
          label={text("Model")}
          list={listId}
          value={model}
          onChange={({ target }) => onModel(target.value)}
        />
        <SelectField
          label={text("Dialect")}
          value={dialect}
          onChange={({ target }) => onDialect(target.value as Dialect)}
        >
          {DIALECTS.map((one) => (
            <option key={one} value={one}>
              {DIALECT_NAMES[one]}
            </option>
          ))}
        </SelectField>
      </div>
      <ol className="flex min-h-40 flex-col gap-3">
        {before.map((turn, at) => (
          <li
            // biome-ignore lint/suspicious/noArrayIndexKey: turns are only added at the end
            key={at}
            className={turn.role === "user" ? "self-end rounded-[10px] bg-accent-soft px-3 py-2" : ""}
          >
            {turn.image !== null && (
              <img
                src={turn.image}
                alt={text("The image that was sent")}
                className="mb-2 max-h-40 rounded-[6px]"
              />
            )}
            <p className="break-words whitespace-pre-wrap">{turn.text}</p>
          </li>
        ))}
        {answer !== null && (
          <li>
            <AnswerView answer={answer} />
          </li>
        )}
        {turns.length === 0 && answer === null && (
          <li className="text-muted">{text("Choose a model and say something.")}</li>
        )}
      </ol>
      {before.length > 0 && (
        <details>
          <summary className="w-fit text-[13px] text-muted">{text("The exact request")}</summary>
          <div className="mt-2 flex flex-wrap gap-2">
            {requestSnippets(baseUrl, ask(dialect, model, system, before)).map(({ name, text: snippet }) => (
              <CopyButton key={name} value={snippet} label={name} />
            ))}
          </div>
        </details>
      )}
    </section>
  );
}

function AnswerView({ answer }: { answer: Answer }) {
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
