import { useMutation, useQueryClient } from "@tanstack/react-query";
import { CircleCheck, CircleX } from "lucide-react";
import { type FormEvent, useState } from "react";
import { Link } from "wouter";
import { Button, buttonClass } from "../../components/button.tsx";
import { AreaField, SelectField } from "../../components/field.tsx";
import { ErrorNotice } from "../../components/notice.tsx";
import { call } from "../../lib/api.ts";
import { CREDENTIALS_KEY } from "../../lib/follow-live.ts";
import { useGatewayText } from "../../lib/gateway-text.ts";
import { useText } from "../../lib/text.ts";

/** One key or many, one a line, with a result for each line. */
export function AddLines({ upstreams, onClose }: { upstreams: readonly string[]; onClose: () => void }) {
  const text = useText();
  const said = useGatewayText();
  const queries = useQueryClient();
  const [upstream, setUpstream] = useState("");
  const [lines, setLines] = useState("");
  const { mutate, data, error, isPending } = useMutation({
    mutationFn: () => call("addCredentials", { body: { lines, ...(upstream === "" ? {} : { upstream }) } }),
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
      void queries.invalidateQueries({ queryKey: ["models"] });
    },
  });
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    mutate();
  };
  return (
    <form onSubmit={submit} className="flex flex-col gap-4">
      <AreaField
        label={text("Secrets, one a line")}
        rows={5}
        required
        autoFocus
        spellCheck={false}
        autoComplete="off"
        value={lines}
        onChange={({ target }) => setLines(target.value)}
        placeholder={"sk-…\nteam-a = sk-…"}
        help={text("A line is a secret, or a name and its secret. Secrets are never shown again.")}
      />
      <SelectField
        label={text("Upstream")}
        value={upstream}
        onChange={({ target }) => setUpstream(target.value)}
      >
        <option value="">{text("The provider that the form of each secret tells")}</option>
        {upstreams.map((one) => (
          <option key={one} value={one}>
            {one}
          </option>
        ))}
      </SelectField>
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
                {isAdded ? text("{name} was added", { name: id ?? "" }) : said(message)}
                {isAdded && message !== "" && ` · ${said(message)}`}
              </span>
            </li>
          ))}
        </ul>
      )}
      <div className="flex flex-wrap justify-end gap-2">
        <Button onClick={onClose}>{text("Close")}</Button>
        {data?.results.some(({ isAdded }) => isAdded) === true && (
          <Link href="/playground" className={buttonClass("plain")}>
            {text("Open the playground")}
          </Link>
        )}
        <Button look="primary" type="submit" isBusy={isPending}>
          {text("Add")}
        </Button>
      </div>
    </form>
  );
}
