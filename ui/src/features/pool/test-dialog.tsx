import { useMutation } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { Link } from "wouter";
import { Badge } from "../../components/badge.tsx";
import { Button } from "../../components/button.tsx";
import { Dialog } from "../../components/dialog.tsx";
import { AreaField, Field } from "../../components/field.tsx";
import { ErrorNotice } from "../../components/notice.tsx";
import { call } from "../../lib/api.ts";
import { dollars, duration } from "../../lib/format.ts";
import { useText } from "../../lib/text.ts";
import type { Credential } from "./states.ts";

/** Sends one small request with one credential. */
export function TestDialog({ credential, onClose }: { credential: Credential; onClose: () => void }) {
  const text = useText();
  const [prompt, setPrompt] = useState("");
  const [model, setModel] = useState("");
  const { id, upstream, name } = credential;
  const { mutate, data, error, isPending } = useMutation({
    mutationFn: () =>
      call("testCredential", {
        params: { upstream, name },
        body: { ...(prompt === "" ? {} : { prompt }), ...(model === "" ? {} : { model }) },
      }),
  });
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    mutate();
  };
  return (
    <Dialog
      isOpen
      onClose={onClose}
      title={text("Test {name}", { name: id })}
      description={text("Sends one small request with this credential alone. It has a row and a cost.")}
    >
      <form onSubmit={submit} className="flex flex-col gap-4">
        <Field
          label={text("Model")}
          value={model}
          onChange={({ target }) => setModel(target.value)}
          help={text("Empty: a cheap model of the upstream.")}
        />
        <AreaField
          label={text("Prompt")}
          rows={3}
          value={prompt}
          onChange={({ target }) => setPrompt(target.value)}
          help={text("Empty: a word is enough.")}
        />
        {error !== null && <ErrorNotice error={error} />}
        {data !== undefined && (
          <div aria-live="polite" className="flex flex-col gap-2 rounded-[8px] bg-sunken p-3">
            <div className="flex flex-wrap items-center gap-x-3 gap-y-1 text-[13px]">
              <Badge tone={data.isGood ? "good" : "bad"}>
                {data.isGood ? text("It works") : text("Status {status}", { status: data.status })}
              </Badge>
              <span className="font-mono break-all">{data.model}</span>
              <span className="tabular">
                {text("First token")} {duration(data.firstByteMs)}
              </span>
              <span className="tabular">
                {text("Duration")} {duration(data.durationMs)}
              </span>
              <span className="tabular">{dollars(data.costNanoUsd)}</span>
              <Link href={`/requests/${data.requestId}`} className="text-accent underline">
                {text("The request")}
              </Link>
            </div>
            <p className="max-h-40 overflow-y-auto break-words whitespace-pre-wrap">{data.text}</p>
          </div>
        )}
        <div className="flex justify-end gap-2">
          <Button onClick={onClose}>{text("Close")}</Button>
          <Button look="primary" type="submit" isBusy={isPending}>
            {text("Send")}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
