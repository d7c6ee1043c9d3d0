import { CopyButton } from "../../components/copy-button.tsx";
import { Field, SelectField } from "../../components/field.tsx";
import { useSession } from "../../lib/session.ts";
import { useText } from "../../lib/text.ts";
import { AnswerView } from "./answer-view.tsx";
import { ask, DIALECT_NAMES, DIALECTS, type Dialect } from "./dialects.ts";
import { requestSnippets } from "./request-snippets.ts";
import type { Chat } from "./use-chat.ts";

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
