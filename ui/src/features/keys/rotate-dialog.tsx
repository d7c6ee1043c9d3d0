import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { Button } from "../../components/button.tsx";
import { Dialog } from "../../components/dialog.tsx";
import { SelectField } from "../../components/field.tsx";
import { ErrorNotice } from "../../components/notice.tsx";
import { ShownOnce } from "../../components/shown-once.tsx";
import { call } from "../../lib/api.ts";
import { useText } from "../../lib/text.ts";

const HOUR_MS = 3_600_000;

/** A new key with the same name; the one before may go on for a while. */
export function RotateDialog({ name, onClose }: { name: string; onClose: () => void }) {
  const text = useText();
  const queries = useQueryClient();
  const [keepOldMs, setKeepOldMs] = useState(24 * HOUR_MS);
  const { mutate, data, error, isPending } = useMutation({
    mutationFn: () => call("rotateKey", { params: { name }, body: { keepOldMs } }),
    onSuccess: () => queries.invalidateQueries({ queryKey: ["keys"] }),
  });
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    mutate();
  };
  const choices = [
    [0, text("Ends at once")],
    [HOUR_MS, text("1 hour")],
    [24 * HOUR_MS, text("24 hours")],
    [7 * 24 * HOUR_MS, text("7 days")],
  ] as const;
  return (
    <Dialog isOpen onClose={onClose} title={text("Rotate {name}", { name })} width="max-w-3xl">
      {data !== undefined ? (
        <ShownOnce value={data.key} onDone={onClose} />
      ) : (
        <form onSubmit={submit} className="flex flex-col gap-4">
          <p>{text("Makes a new key with the same name, settings and usage.")}</p>
          <SelectField
            label={text("The old key works for")}
            value={keepOldMs}
            onChange={({ target }) => setKeepOldMs(Number(target.value))}
          >
            {choices.map(([ms, label]) => (
              <option key={ms} value={ms}>
                {label}
              </option>
            ))}
          </SelectField>
          {error !== null && <ErrorNotice error={error} />}
          <div className="flex justify-end gap-2">
            <Button onClick={onClose}>{text("Cancel")}</Button>
            <Button look="primary" type="submit" isBusy={isPending}>
              {text("Rotate")}
            </Button>
          </div>
        </form>
      )}
    </Dialog>
  );
}
