import { Field } from "../../components/field.tsx";
import { ApiError } from "../../lib/api.ts";
import { useText } from "../../lib/text.ts";

/** The gateway wants the current password, or another one than was typed. */
export const asksForPassword = (error: unknown): error is ApiError =>
  error instanceof ApiError && error.path === "currentPassword";

/** The admin's password, or the table that has it. */
export const isOfPassword = (path: string): boolean => /^admin(?:\.password)?$/.test(path);

/** The admin's password once more. */
export function PasswordAgain({
  value,
  error,
  onType,
}: {
  value: string;
  error: unknown;
  onType: (typed: string) => void;
}) {
  const text = useText();
  return (
    <Field
      label={text("Current password")}
      type="password"
      autoComplete="current-password"
      value={value}
      onChange={({ target }) => onType(target.value)}
      help={text(
        "Asked for again, so that nobody gets the admin or its secrets by a page that was left open.",
      )}
      error={asksForPassword(error) && value !== "" ? error.message : null}
    />
  );
}
