import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useId, useState } from "react";
import { Link } from "wouter";
import { Button, buttonClass } from "../../components/button.tsx";
import { Field } from "../../components/field.tsx";
import { ErrorNotice } from "../../components/notice.tsx";
import { call } from "../../lib/api.ts";
import { dollars, duration } from "../../lib/format.ts";
import { useText } from "../../lib/text.ts";
import { costOfRequest, sendFirst } from "./send-first.ts";

const MAX_MODELS = 500;

/** One request from this page, with its answer, its cost and its row. */
export function FirstRequest({
  model,
  isReady,
  onModel,
  onAnswered,
}: {
  model: string;
  /** A credential can be used. */
  isReady: boolean;
  onModel: (model: string) => void;
  onAnswered: () => void;
}) {
  const text = useText();
  const listId = useId();
  const queries = useQueryClient();
  const [prompt, setPrompt] = useState(() => text("Say hello in one sentence."));
  const { data: listed } = useQuery({
    queryKey: ["models"],
    queryFn: ({ signal }) => call("listModels", { signal }),
    enabled: isReady,
  });
  const asked = model === "" ? (listed?.models[0]?.name ?? "") : model;
  const { mutate, data, error, isPending } = useMutation({
    mutationFn: () => sendFirst(asked, prompt),
    onSuccess: () => {
      onAnswered();
      void queries.invalidateQueries({ queryKey: ["overview"] });
    },
  });
  const cost = useQuery({
    queryKey: ["requests", "cost", data?.requestId],
    queryFn: ({ signal }) => costOfRequest(data?.requestId ?? "", signal),
    enabled: data !== undefined && data.requestId !== "",
  });
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    mutate();
  };
  return (
    <form onSubmit={submit} className="flex flex-col gap-3">
      <div className="grid gap-3 sm:grid-cols-2">
        <Field
          label={text("Model")}
          required
          list={listId}
          disabled={!isReady}
          value={asked}
          onChange={({ target }) => onModel(target.value)}
        />
        <Field
          label={text("Prompt")}
          required
          disabled={!isReady}
          value={prompt}
          onChange={({ target }) => setPrompt(target.value)}
        />
      </div>
      <datalist id={listId}>
        {listed?.models.slice(0, MAX_MODELS).map(({ name }) => (
          <option key={name} value={name} />
        ))}
      </datalist>
      {error !== null && <ErrorNotice error={error} />}
      {data !== undefined && (
        <div aria-live="polite" className="flex flex-col gap-2 rounded-[8px] bg-sunken p-3">
          <p className="max-h-60 overflow-y-auto break-words whitespace-pre-wrap">{data.text}</p>
          <p className="tabular flex flex-wrap gap-x-3 text-[13px] text-muted">
            <span>{duration(data.durationMs)}</span>
            <span>
              {text("Cost")} {dollars(cost.data)}
            </span>
            <Link href={`/requests/${data.requestId}`} className="text-accent underline">
              {text("The request")}
            </Link>
          </p>
        </div>
      )}
      <div className="flex flex-wrap justify-end gap-2">
        {data !== undefined && (
          <>
            <Link href="/playground" className={buttonClass("plain")}>
              {text("Open the playground")}
            </Link>
            <Link href="/" className={buttonClass("plain")}>
              {text("Open the overview")}
            </Link>
          </>
        )}
        <Button look="primary" type="submit" data-first disabled={!isReady} isBusy={isPending}>
          {text("Send")}
        </Button>
      </div>
      {!isReady && <p className="text-[13px] text-muted">{text("The first step comes before this one.")}</p>}
    </form>
  );
}
