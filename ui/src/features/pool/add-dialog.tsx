import { useMutation, useQueryClient } from "@tanstack/react-query";
import { CircleCheck, CircleX } from "lucide-react";
import { type FormEvent, useId, useState } from "react";
import { Button } from "../../components/button.tsx";
import { Dialog } from "../../components/dialog.tsx";
import { AreaField, Field } from "../../components/field.tsx";
import { ErrorNotice } from "../../components/notice.tsx";
import { call } from "../../lib/api.ts";
import { CREDENTIALS_KEY } from "../../lib/follow-live.ts";
import { useText } from "../../lib/text.ts";

/** One credential or many, one a line, with a result for each line. */
export function AddDialog({
  isOpen,
  onClose,
  upstreams,
}: {
  isOpen: boolean;
  onClose: () => void;
  upstreams: readonly string[];
}) {
  const text = useText();
  const listId = useId();
  const queries = useQueryClient();
  const [typed, setTyped] = useState<string | null>(null);
  const [lines, setLines] = useState("");
  const upstream = typed ?? upstreams[0] ?? "";
  const { mutate, data, error, isPending, reset } = useMutation({
    mutationFn: () => call("addCredentials", { body: { upstream, lines } }),
    onSuccess: ({ results }) => {
      // What was added is taken out; what was not can be mended and sent again.
      const bad = new Set(results.filter(({ isAdded }) => !isAdded).map(({ line }) => line));
      setLines((before) =>
        before
          .split("\n")
          .filter((_, at) => bad.has(at + 1))
          .join("\n"),
      );
      void queries.invalidateQueries({ queryKey: CREDENTIALS_KEY });
    },
  });
  const close = (): void => {
    setLines("");
    reset();
    onClose();
  };
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    mutate();
  };
  return (
    <Dialog isOpen={isOpen} onClose={close} title={text("Add credentials")} width="max-w-xl">
      <form onSubmit={submit} className="flex flex-col gap-4">
        <Field
          label={text("Upstream")}
          list={listId}
          required
          value={upstream}
          onChange={({ target }) => setTyped(target.value)}
          help={text("The name of an upstream in the configuration.")}
        />
        <datalist id={listId}>
          {upstreams.map((one) => (
            <option key={one} value={one} />
          ))}
        </datalist>
        <AreaField
          label={text("Secrets, one a line")}
          rows={6}
          required
          spellCheck={false}
          autoComplete="off"
          value={lines}
          onChange={({ target }) => setLines(target.value)}
          placeholder={"sk-…\nteam-a = sk-…"}
          help={text("A line is a secret, or a name and its secret. Secrets are never shown again.")}
        />
        {error !== null && <ErrorNotice error={error} />}
        {data !== undefined && (
          <ul className="flex max-h-52 flex-col gap-1 overflow-y-auto" aria-live="polite">
            {data.results.map(({ line, isAdded, id, message }) => (
              <li key={line} className="flex items-start gap-2">
                {isAdded ? (
                  <CircleCheck size={16} aria-hidden className="mt-0.5 shrink-0 text-good" />
                ) : (
                  <CircleX size={16} aria-hidden className="mt-0.5 shrink-0 text-bad" />
                )}
                <span className="min-w-0 break-words">
                  {text("Line {line}", { line })}:{" "}
                  {isAdded ? text("{name} was added", { name: id ?? "" }) : message}
                  {isAdded && message !== "" && ` · ${message}`}
                </span>
              </li>
            ))}
          </ul>
        )}
        <div className="flex justify-end gap-2">
          <Button onClick={close}>{text("Close")}</Button>
          <Button look="primary" type="submit" isBusy={isPending}>
            {text("Add")}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
