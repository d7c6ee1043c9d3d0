import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { Button } from "../../components/button.tsx";
import { Field } from "../../components/field.tsx";
import { ErrorNotice } from "../../components/notice.tsx";
import { ShownOnce } from "../../components/shown-once.tsx";
import { ApiError, call } from "../../lib/api.ts";
import { useText } from "../../lib/text.ts";

const USUAL_NAME = "my-client";

/** What a client shows the gateway, and how a client uses it. */
export function ClientKey({ model, onMade }: { model: string; onMade: () => void }) {
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
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    mutate();
  };
  if (data !== undefined) return <ShownOnce value={data.key} {...(model === "" ? {} : { model })} />;
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
