import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type ChangeEvent, type FormEvent, useState } from "react";
import { Badge } from "../../components/badge.tsx";
import { Button } from "../../components/button.tsx";
import { AreaField, Field } from "../../components/field.tsx";
import { ErrorNotice } from "../../components/notice.tsx";
import { ApiError, call } from "../../lib/api.ts";
import { CREDENTIALS_KEY } from "../../lib/follow-live.ts";
import { duration } from "../../lib/format.ts";
import { useText } from "../../lib/text.ts";

const FAMILY = "vertex";
const EMPTY = { upstream: FAMILY, name: "", key: "", project: "", region: "", model: "gemini-2.5-flash" };

type Typed = typeof EMPTY;

/** The project in the JSON key; "": it names none, or is no JSON. */
function projectIn(key: string): string {
  try {
    const { project_id: id } = JSON.parse(key) as { project_id?: unknown };
    return typeof id === "string" ? id : "";
  } catch {
    return "";
  }
}

/** Adds the credential to the upstream of that name, which is made when it is not there, and asks a model with it. */
async function addAndTest({ upstream, name, key, project, region, model }: Typed) {
  const credential = {
    name,
    api_key: key.trim(),
    ...(project === "" ? {} : { project }),
    ...(region === "" ? {} : { region }),
  };
  const { version, values } = await call("getSettings", {});
  const named = values.find(({ path, value }) => /^upstreams\[\d+\]\.name$/.test(path) && value === upstream);
  const change =
    named === undefined
      ? { path: "upstreams", add: { name: upstream, family: FAMILY, credentials: [credential] } }
      : { path: named.path.replace(/\.name$/, ".credentials"), add: credential };
  await call("changeSettings", { body: { version, changes: [change] } });
  return await call("testCredential", { params: { upstream, name }, body: { model } });
}

/** The JSON key of a service account, which ends with a test of the new credential. */
export function AddVertex({ onClose }: { onClose: () => void }) {
  const text = useText();
  const queries = useQueryClient();
  const [typed, setTyped] = useState(EMPTY);
  const { key } = typed;
  const { mutate, data, error, isPending } = useMutation({
    mutationFn: () => addAndTest(typed),
    onSettled: () =>
      Promise.all(
        [CREDENTIALS_KEY, ["models"], ["settings"]].map((queryKey) =>
          queries.invalidateQueries({ queryKey }),
        ),
      ),
  });
  const type =
    (field: keyof Typed) =>
    ({ target }: { target: { value: string } }): void =>
      setTyped((before) => ({ ...before, [field]: target.value }));
  const upload = async ({ target }: ChangeEvent<HTMLInputElement>): Promise<void> => {
    const read = await target.files?.[0]?.text();
    if (read !== undefined) setTyped((before) => ({ ...before, key: read }));
  };
  const errorAt = (field: string): string | null =>
    error instanceof ApiError && error.path?.endsWith(`.${field}`) === true ? error.message : null;
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    mutate();
  };
  return (
    <form onSubmit={submit} className="flex flex-col gap-4">
      <AreaField
        label={text("JSON key of a service account")}
        rows={5}
        required
        autoFocus
        spellCheck={false}
        autoComplete="off"
        value={key}
        onChange={type("key")}
        placeholder={'{ "type": "service_account", … }'}
        help={text("Its project has the Vertex AI API enabled, and the account the role Vertex AI User.")}
      />
      <input
        type="file"
        accept="application/json,.json"
        aria-label={text("Choose the file of the key")}
        onChange={upload}
        className="text-[13px]"
      />
      <PlaceFields typed={typed} type={type} errorAt={errorAt} />
      {error !== null && <ErrorNotice error={error} />}
      {data !== undefined && <TestResult tested={data} />}
      <div className="flex justify-end gap-2">
        <Button onClick={onClose}>{text("Close")}</Button>
        {data === undefined && (
          <Button look="primary" type="submit" isBusy={isPending}>
            {text("Add and test")}
          </Button>
        )}
      </div>
    </form>
  );
}

/** What the model said to the new credential. */
function TestResult({ tested }: { tested: Awaited<ReturnType<typeof addAndTest>> }) {
  const text = useText();
  return (
    <div aria-live="polite" className="flex flex-col gap-2 rounded-[8px] bg-sunken p-3">
      <div className="flex flex-wrap items-center gap-x-3 gap-y-1 text-[13px]">
        <Badge tone={tested.isGood ? "good" : "bad"}>
          {tested.isGood ? text("It works") : text("Status {status}", { status: tested.status })}
        </Badge>
        <span className="font-mono break-all">{tested.model}</span>
        <span className="tabular">{duration(tested.durationMs)}</span>
      </div>
      <p className="max-h-40 overflow-y-auto break-words whitespace-pre-wrap">{tested.text}</p>
    </div>
  );
}

interface PlaceFieldsProps {
  readonly typed: Typed;
  readonly type: (field: keyof Typed) => (event: { target: { value: string } }) => void;
  readonly errorAt: (field: string) => string | null;
}

/** The names of the credential, and where its requests go. */
function PlaceFields({ typed, type, errorAt }: PlaceFieldsProps) {
  const text = useText();
  return (
    <div className="grid gap-4 sm:grid-cols-2">
      <Field
        label={text("Upstream")}
        required
        autoComplete="off"
        value={typed.upstream}
        onChange={type("upstream")}
        error={errorAt("family")}
      />
      <Field
        label={text("Name")}
        required
        autoComplete="off"
        value={typed.name}
        onChange={type("name")}
        error={errorAt("name")}
      />
      <Field
        label={text("Project")}
        autoComplete="off"
        value={typed.project}
        placeholder={projectIn(typed.key)}
        onChange={type("project")}
        help={text("Empty: the project of the key.")}
        error={errorAt("project")}
      />
      <Field
        label={text("Region")}
        autoComplete="off"
        value={typed.region}
        placeholder="global"
        onChange={type("region")}
        error={errorAt("region")}
      />
      <Field
        label={text("Model")}
        required
        autoComplete="off"
        value={typed.model}
        onChange={type("model")}
        help={text("Asked once, with a short prompt.")}
      />
    </div>
  );
}
