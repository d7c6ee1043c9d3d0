import { type FormEvent, useState } from "react";
import { Button } from "../../components/button.tsx";
import { Field, SelectField } from "../../components/field.tsx";
import { ErrorNotice } from "../../components/notice.tsx";
import { ApiError } from "../../lib/api.ts";
import { useText } from "../../lib/text.ts";
import { useAddUpstreams } from "./use-add-upstreams.ts";

const FAMILIES = ["openai", "anthropic", "gemini"] as const;
const EMPTY = { name: "", family: "openai", baseUrl: "", secret: "" };

/** A provider whose keys have no form of their own, such as a compatible server. */
export function AddUpstream({ onClose }: { onClose: () => void }) {
  const text = useText();
  const [{ name, family, baseUrl, secret }, setTyped] = useState(EMPTY);
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
      credentials: [{ name: "main", api_key: secret }],
    };
    mutate([entry], { onSuccess: onClose });
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
        value={baseUrl}
        onChange={type("baseUrl")}
        help={text("Empty: that of the family's own provider. openai is also for every compatible server.")}
        error={errorAt("base_url")}
      />
      <Field
        label={text("Secret")}
        type="password"
        required
        autoComplete="new-password"
        value={secret}
        onChange={type("secret")}
        error={errorAt("api_key")}
      />
      {error !== null && <ErrorNotice error={error} />}
      <div className="flex justify-end gap-2">
        <Button onClick={onClose}>{text("Close")}</Button>
        <Button look="primary" type="submit" isBusy={isPending}>
          {text("Add")}
        </Button>
      </div>
    </form>
  );
}
