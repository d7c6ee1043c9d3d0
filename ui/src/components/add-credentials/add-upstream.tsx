import { type FormEvent, type ReactNode, useId, useState } from "react";
import { ApiError } from "../../lib/api.ts";
import { useText } from "../../lib/text.ts";
import { Button } from "../button.tsx";
import { Field, SelectField } from "../field.tsx";
import { ErrorNotice } from "../notice.tsx";
import { useAddUpstreams } from "./use-add-upstreams.ts";

const FAMILIES = ["openai", "anthropic", "gemini"] as const;
/** Compatible servers, as their own documentation has them, and the usual ports of those that people run. */
const KNOWN_URLS = [
  ["https://api.deepseek.com/v1", "DeepSeek"],
  ["https://api.mistral.ai/v1", "Mistral"],
  ["https://api.groq.com/openai/v1", "Groq"],
  ["https://openrouter.ai/api/v1", "OpenRouter"],
  ["https://api.x.ai/v1", "xAI"],
  ["http://127.0.0.1:11434/v1", "Ollama"],
  ["http://127.0.0.1:8080/v1", "llama.cpp"],
  ["http://127.0.0.1:8000/v1", "vLLM"],
  ["http://127.0.0.1:1234/v1", "LM Studio"],
] as const;
const CREDENTIAL = "main";
/** The credential that the gateway gives to a near server without one. */
const KEYLESS = "keyless";
const EMPTY = { name: "", family: "openai", baseUrl: "", secret: "" };

/** A provider whose keys have no form of their own, such as a compatible server. */
export function AddUpstream({
  secret: given = "",
  onAdd,
  extra,
}: {
  /** Typed elsewhere already. */
  secret?: string;
  /** `id`: of the new credential. */
  onAdd: (id: string) => void;
  extra?: ReactNode;
}) {
  const text = useText();
  const listId = useId();
  const [{ name, family, baseUrl, secret }, setTyped] = useState({ ...EMPTY, secret: given });
  const { mutate, error, isPending } = useAddUpstreams();
  const type =
    (field: keyof typeof EMPTY) =>
    ({ target }: { target: { value: string } }): void =>
      setTyped((before) => ({ ...before, [field]: target.value }));
  const errorAt = (field: string): string | null =>
    error instanceof ApiError && error.path?.endsWith(`.${field}`) === true ? error.message : null;
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    const entry = {
      name,
      family,
      ...(baseUrl === "" ? {} : { base_url: baseUrl }),
      ...(secret === "" ? {} : { credentials: [{ name: CREDENTIAL, api_key: secret }] }),
    };
    mutate([entry], { onSuccess: () => onAdd(`${name}/${secret === "" ? KEYLESS : CREDENTIAL}`) });
  };
  return (
    <form onSubmit={submit} className="flex flex-col gap-4">
      <div className="grid gap-4 sm:grid-cols-2">
        <Field
          label={text("Name")}
          required
          autoFocus
          autoComplete="off"
          value={name}
          onChange={type("name")}
          error={errorAt("name")}
        />
        <SelectField label={text("Family")} value={family} onChange={type("family")}>
          {FAMILIES.map((one) => (
            <option key={one}>{one}</option>
          ))}
        </SelectField>
      </div>
      <Field
        label={text("Base URL")}
        type="url"
        placeholder="https://api.example.com/v1"
        list={listId}
        value={baseUrl}
        onChange={type("baseUrl")}
        help={text("Empty: that of the family's own provider. openai is also for every compatible server.")}
        error={errorAt("base_url")}
      />
      <datalist id={listId}>
        {KNOWN_URLS.map(([url, provider]) => (
          <option key={url} value={url} label={provider} />
        ))}
      </datalist>
      <Field
        label={text("Secret")}
        type="password"
        autoComplete="new-password"
        value={secret}
        onChange={type("secret")}
        help={text("Empty: the server asks for none, as those on this machine or in its network mostly do.")}
        error={errorAt("api_key")}
      />
      {error !== null && <ErrorNotice error={error} />}
      <div className="flex justify-end gap-2">
        {extra}
        <Button look="primary" type="submit" isBusy={isPending}>
          {text("Add")}
        </Button>
      </div>
    </form>
  );
}
