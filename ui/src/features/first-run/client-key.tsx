import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import type { ReplyOf } from "../../../../src/admin/contract.ts";
import { Button } from "../../components/button.tsx";
import { Field } from "../../components/field.tsx";
import { ErrorNotice } from "../../components/notice.tsx";
import { ShownOnce } from "../../components/shown-once.tsx";
import { ApiError, call } from "../../lib/api.ts";
import { useText } from "../../lib/text.ts";
import { focusStep } from "./step.tsx";

type Key = ReplyOf<"listKeys">["keys"][number];

const USUAL_NAME = "my-client";

/** What a client shows the gateway, and how a client uses it. */
export function ClientKey({
  existing,
  model,
  onMade,
}: {
  /** A key that clients can use already; null: there is none. */
  existing: Key | null;
  model: string;
  onMade: () => void;
}) {
  const text = useText();
  const queries = useQueryClient();
  const [name, setName] = useState(USUAL_NAME);
  const { mutate, data, error, isPending } = useMutation({
    mutationFn: () => call("createKey", { body: { name, settings: {} } }),
    onSuccess: () => {
      void queries.invalidateQueries({ queryKey: ["keys"] });
      onMade();
    },
  });
  const [isWanted, setWanted] = useState(false);
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    mutate();
  };
  if (data !== undefined) return <ShownOnce value={data.key} {...(model === "" ? {} : { model })} />;
  if (existing !== null && !isWanted)
    return (
      <div className="flex flex-wrap items-center gap-3">
        <p className="min-w-0 flex-1 basis-60 break-words text-muted">
          {text("There is a key already: {name}. Your client shows it to Clewline.", { name: existing.name })}{" "}
          {existing.from === "file" &&
            text("The first start has printed it, and it stands in the configuration file.")}
        </p>
        <Button
          onClick={() => {
            setWanted(true);
            focusStep(2);
          }}
        >
          {text("Make another key")}
        </Button>
      </div>
    );
  const isOfName = error instanceof ApiError && error.path === "name";
  return (
    <form onSubmit={submit} className="flex flex-col gap-3">
      <Field
        label={text("Name")}
        required
        maxLength={64}
        autoComplete="off"
        data-first
        value={name}
        onChange={({ target }) => setName(target.value)}
        help={text("Who uses it. The name stands in every row of the ledger.")}
        error={isOfName ? error.message : null}
      />
      {error !== null && !isOfName && <ErrorNotice error={error} />}
      <div className="flex justify-end">
        <Button look="primary" type="submit" isBusy={isPending}>
          {text("Create the key")}
        </Button>
      </div>
    </form>
  );
}
