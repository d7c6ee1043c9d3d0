import { Field, SelectField } from "../../components/field.tsx";
import { ApiError } from "../../lib/api.ts";
import { useText } from "../../lib/text.ts";
import { KEY_SETTINGS, shownValue } from "./key-settings.ts";

/** The settings of a key. A fault that the gateway finds stands at its field. */
export function SettingsFields({
  typed,
  before,
  error,
  onType,
}: {
  typed: Readonly<Record<string, string>>;
  before: Readonly<Record<string, unknown>>;
  error: unknown;
  onType: (name: string, value: string) => void;
}) {
  const text = useText();
  const place = error instanceof ApiError ? (error.path ?? "") : "";
  return (
    <div className="grid gap-x-3 gap-y-3 sm:grid-cols-2 lg:grid-cols-3">
      {KEY_SETTINGS.map(({ name, title, help, kind, placeholder }) => {
        const value = typed[name] ?? shownValue(before[name]);
        const isAtFault = place.split(/[.[\]]/).includes(name) && error instanceof ApiError;
        return kind === "switch" ? (
          <div key={name}>
            <SelectField
              label={text(title)}
              value={value}
              onChange={({ target }) => onType(name, target.value)}
            >
              <option value="">{text("Off")}</option>
              <option value="true">{text("On")}</option>
            </SelectField>
            <p className="mt-1 text-[13px] text-muted">{text(help)}</p>
          </div>
        ) : (
          <Field
            key={name}
            label={text(title)}
            help={text(help)}
            placeholder={placeholder}
            inputMode={kind === "number" ? "numeric" : kind === "dollars" ? "decimal" : "text"}
            value={value}
            onChange={({ target }) => onType(name, target.value)}
            error={isAtFault ? error.message : null}
          />
        );
      })}
    </div>
  );
}
