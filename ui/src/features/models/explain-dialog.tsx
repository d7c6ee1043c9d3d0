import { useMutation } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { Button } from "../../components/button.tsx";
import { CopyButton } from "../../components/copy-button.tsx";
import { Dialog } from "../../components/dialog.tsx";
import { AreaField, Field, SelectField } from "../../components/field.tsx";
import { ErrorNotice, Notice } from "../../components/notice.tsx";
import { ScrollRegion } from "../../components/scroll-region.tsx";
import { call } from "../../lib/api.ts";
import { useText } from "../../lib/text.ts";

const PATHS = [
  "/v1/chat/completions",
  "/v1/responses",
  "/v1/messages",
  "/v1beta/models/MODEL:generateContent",
] as const;
const SAMPLE = JSON.stringify({ model: "gpt-5.5", messages: [{ role: "user", content: "Hello" }] }, null, 2);

/** The body as an object; null: it is none. */
function readBody(typed: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(typed);
    return typeof value === "object" && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : null;
  } catch {
    return null;
  }
}

/** Shows what a request would become for each target, and sends nothing. */
export function ExplainDialog({ onClose }: { onClose: () => void }) {
  const text = useText();
  const [path, setPath] = useState<string>(PATHS[0]);
  const [typed, setTyped] = useState(SAMPLE);
  const [key, setKey] = useState("");
  const body = readBody(typed);
  const { mutate, data, error, isPending } = useMutation({
    mutationFn: (read: Record<string, unknown>) =>
      call("explain", { body: { path, body: read, ...(key === "" ? {} : { key }) } }),
  });
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (body !== null) mutate(body);
  };
  const shown = data === undefined ? "" : JSON.stringify(data, null, 2);
  return (
    <Dialog
      isOpen
      onClose={onClose}
      title={text("Try a plan")}
      description={text(
        "Shows where a request would go and the exact request for each target. Nothing is sent.",
      )}
      width="max-w-4xl"
    >
      <form onSubmit={submit} className="flex flex-col gap-4">
        <div className="grid gap-3 sm:grid-cols-2">
          <SelectField label={text("Route")} value={path} onChange={({ target }) => setPath(target.value)}>
            {PATHS.map((one) => (
              <option key={one}>{one}</option>
            ))}
          </SelectField>
          <Field
            label={text("Key")}
            value={key}
            onChange={({ target }) => setKey(target.value)}
            help={text("The name of the key by whose rights it is planned. Empty: without limits.")}
          />
        </div>
        <AreaField
          label={text("Body")}
          rows={8}
          spellCheck={false}
          value={typed}
          onChange={({ target }) => setTyped(target.value)}
          help={body === null ? text("This is no JSON object yet.") : ""}
        />
        {error !== null && <ErrorNotice error={error} />}
        <div className="flex justify-end gap-2">
          <Button onClick={onClose}>{text("Close")}</Button>
          <Button look="primary" type="submit" isBusy={isPending} disabled={body === null}>
            {text("Explain")}
          </Button>
        </div>
        {data !== undefined && (
          <>
            <Notice tone="info">{text("This is what the gateway would do now.")}</Notice>
            <ScrollRegion label={text("Plan")} className="max-h-96 rounded-[7px] bg-sunken">
              <pre className="w-max min-w-full p-3 font-mono text-[12.5px]">{shown}</pre>
            </ScrollRegion>
            <div>
              <CopyButton value={shown} />
            </div>
          </>
        )}
      </form>
    </Dialog>
  );
}
