import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { Button } from "../../components/button.tsx";
import { Dialog } from "../../components/dialog.tsx";
import { Field } from "../../components/field.tsx";
import { ErrorNotice } from "../../components/notice.tsx";
import { ShownOnce } from "../../components/shown-once.tsx";
import { ApiError, call } from "../../lib/api.ts";
import { useText } from "../../lib/text.ts";
import { changedSettings } from "./key-settings.ts";
import { SettingsFields } from "./settings-form.tsx";

export function CreateDialog({ isOpen, onClose }: { isOpen: boolean; onClose: () => void }) {
  const text = useText();
  const queries = useQueryClient();
  const [name, setName] = useState("");
  const [typed, setTyped] = useState<Readonly<Record<string, string>>>({});
  const { mutate, data, error, isPending, reset } = useMutation({
    mutationFn: () => call("createKey", { body: { name, settings: changedSettings(typed, {}) } }),
    onSuccess: () => queries.invalidateQueries({ queryKey: ["keys"] }),
  });
  const close = (): void => {
    reset();
    setName("");
    setTyped({});
    onClose();
  };
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    mutate();
  };
  const isOfName = error instanceof ApiError && error.path === "name";
  return (
    <Dialog
      isOpen={isOpen}
      onClose={close}
      title={data === undefined ? text("Create a key") : text("The key {name}", { name: data.name })}
      width="max-w-3xl"
    >
      {data !== undefined ? (
        <ShownOnce value={data.key} onDone={close} />
      ) : (
        <form onSubmit={submit} className="flex flex-col gap-4">
          <Field
            label={text("Name")}
            required
            maxLength={64}
            autoComplete="off"
            value={name}
            onChange={({ target }) => setName(target.value)}
            help={text("Who uses it. The name stands in every row of the ledger.")}
            error={isOfName ? error.message : null}
          />
          <details>
            <summary className="w-fit font-medium">{text("Limits and rights")}</summary>
            <div className="mt-3">
              <SettingsFields
                typed={typed}
                before={{}}
                error={error}
                onType={(field, value) => setTyped((before) => ({ ...before, [field]: value }))}
              />
            </div>
          </details>
          {error !== null && !isOfName && <ErrorNotice error={error} />}
          <div className="flex justify-end gap-2">
            <Button onClick={close}>{text("Cancel")}</Button>
            <Button look="primary" type="submit" isBusy={isPending}>
              {text("Create")}
            </Button>
          </div>
        </form>
      )}
    </Dialog>
  );
}
