import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, type KeyboardEvent, type ReactNode, useState } from "react";
import { call } from "../../lib/api.ts";
import { CREDENTIALS_KEY } from "../../lib/follow-live.ts";
import { useText } from "../../lib/text.ts";
import { Button } from "../button.tsx";
import { AreaField, SelectField } from "../field.tsx";
import { ErrorNotice } from "../notice.tsx";
import { LineResults } from "./line-results.tsx";
import { useCredentialTests } from "./use-credential-tests.ts";

/** That of the first line: a line is a secret, or a name and a secret. */
const secretOf = (lines: string): string =>
  (lines.trim().split("\n")[0] ?? "")
    .split(/\s+/)
    .at(-1)
    ?.replace(/^[^=]*=(?=.)/, "") ?? "";

/** One key or many, one a line, with a result for each line; what was added is tested. */
export function AddLines({
  upstreams,
  onAnswer,
  onFail,
  onUnknown,
  extra,
}: {
  upstreams: readonly string[];
  /** A new credential has answered: by this model, as `upstream/model`. */
  onAnswer?: (model: string) => void;
  /** The test of one has failed. */
  onFail?: () => void;
  /** A person names the provider of a secret whose form does not tell it. */
  onUnknown: (secret: string) => void;
  /** Further buttons; `isAdded`: a line was good. */
  extra?: (isAdded: boolean) => ReactNode;
}) {
  const text = useText();
  const queries = useQueryClient();
  const [upstream, setUpstream] = useState("");
  const [lines, setLines] = useState("");
  const { tests, testAll } = useCredentialTests(onAnswer, onFail);
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
      for (const queryKey of [CREDENTIALS_KEY, ["models"], ["settings"]])
        void queries.invalidateQueries({ queryKey });
      void testAll(results.flatMap(({ id }) => id ?? []));
    },
  });
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    mutate();
  };
  const onKey = ({ key, ctrlKey, metaKey, currentTarget }: KeyboardEvent<HTMLTextAreaElement>): void => {
    if (key === "Enter" && (ctrlKey || metaKey)) currentTarget.form?.requestSubmit();
  };
  return (
    <form onSubmit={submit} className="flex flex-col gap-4">
      <AreaField
        label={text("Secrets, one a line")}
        rows={4}
        required
        autoFocus
        spellCheck={false}
        autoComplete="off"
        value={lines}
        onChange={({ target }) => setLines(target.value)}
        onKeyDown={onKey}
        placeholder={"sk-…\nteam-a = sk-…"}
        help={text(
          "A line is a secret, or a name and its secret. Secrets are never shown again. Each is tested with one small request.",
        )}
      />
      {upstreams.length > 0 && (
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
      )}
      {error !== null && <ErrorNotice error={error} />}
      {data !== undefined && <LineResults results={data.results} tests={tests} />}
      {data?.results.some(({ problem }) => problem === "unknown-provider") === true && (
        <Button className="self-start" onClick={() => onUnknown(secretOf(lines))}>
          {text("Name its provider…")}
        </Button>
      )}
      <div className="flex flex-wrap justify-end gap-2">
        {extra?.(data?.results.some(({ isAdded }) => isAdded) === true)}
        <Button look="primary" type="submit" isBusy={isPending}>
          {text("Add")}
        </Button>
      </div>
    </form>
  );
}
