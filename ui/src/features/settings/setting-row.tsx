import { Lock } from "lucide-react";
import { useId } from "react";
import { useGatewayText } from "../../lib/gateway-text.ts";
import { useText } from "../../lib/text.ts";
import type { Message } from "../../locales/messages.ts";
import { type Edit, plainHelp, type SettingKey, type SettingValue, typedValue } from "./edits.ts";

const ORIGINS: Record<SettingValue["origin"], Message> = {
  file: "from the file",
  default: "default",
  environment: "from the environment",
  flag: "from a flag",
};

/** One setting with its help; a fault that the gateway finds stands at it. */
export function SettingRow({
  setting,
  label,
  value,
  edit,
  problem,
  isLocked,
  isNew = false,
  onType,
}: {
  setting: SettingKey;
  /** Below its table, as in `defaults.temperature`. */
  label: string;
  value: SettingValue | undefined;
  edit: Edit | undefined;
  problem: string | null;
  isLocked: boolean;
  /** Of an entry that is not there yet. */
  isNew?: boolean;
  onType: (typed: string) => void;
}) {
  const text = useText();
  const said = useGatewayText();
  const id = useId();
  const lockedReason = value?.lockedReason ?? null;
  const shown = edit === undefined ? shownValue(value) : edit.kind === "set" ? edit.typed : "";
  return (
    <div className="grid gap-x-6 gap-y-2 py-3 md:grid-cols-[minmax(0,1fr)_minmax(0,1fr)]">
      <div className="min-w-0">
        <label htmlFor={id} className="font-mono text-[13px] font-medium break-all">
          {label}
        </label>
        <span className="ml-2 text-[12.5px] text-muted">
          {!isNew && text(ORIGINS[value?.origin ?? "default"])}
          {setting.appliesAt === "start" && ` · ${text("at the next start")}`}
        </span>
        <p id={`${id}-help`} className="text-[13px] break-words text-muted">
          {plainHelp(said(setting.help))}
        </p>
      </div>
      <div className="flex min-w-0 flex-col gap-1">
        <Control
          id={id}
          setting={setting}
          value={value}
          typed={shown}
          isDisabled={isLocked || lockedReason !== null}
          isWrong={problem !== null}
          onType={onType}
        />
        {edit !== undefined && !isNew && (
          <p className="text-[13px] font-medium text-info">{text("changed")}</p>
        )}
        {problem !== null && (
          <p role="alert" className="text-[13px] text-bad">
            {said(problem)}
          </p>
        )}
        {lockedReason !== null && (
          <p className="flex items-center gap-1 text-[13px] text-muted">
            <Lock size={13} aria-hidden />
            {said(lockedReason)}
          </p>
        )}
      </div>
    </div>
  );
}

const shownValue = (value: SettingValue | undefined): string =>
  value === undefined || value.origin === "default" || value.secret !== null ? "" : typedValue(value.value);

function Control({
  id,
  setting: { kind, options, default: usual, isSecret, isRequired },
  value,
  typed,
  isDisabled,
  isWrong,
  onType,
}: {
  id: string;
  setting: SettingKey;
  value: SettingValue | undefined;
  typed: string;
  isDisabled: boolean;
  isWrong: boolean;
  onType: (typed: string) => void;
}) {
  const text = useText();
  const shared = {
    id,
    value: typed,
    disabled: isDisabled,
    "aria-invalid": isWrong || undefined,
    "aria-describedby": `${id}-help`,
    onChange: ({ target }: { target: { value: string } }) => onType(target.value),
  };
  const placeholder = typedValue(usual);
  if (isSecret) {
    const end = value?.secret?.lastFour;
    const known =
      value === undefined
        ? ""
        : end == null
          ? text("is set; type to replace it")
          : text("ends with {end}; type to replace it", { end });
    return (
      <input {...shared} type="password" autoComplete="new-password" placeholder={known} className="field" />
    );
  }
  if (kind === "boolean" || kind === "choice")
    return (
      <select {...shared} className="field">
        <option value="">
          {isRequired ? "" : text("Default")}
          {placeholder !== "" && `: ${placeholder}`}
        </option>
        {(options ?? ["true", "false"]).map((option) => (
          <option key={option}>{option}</option>
        ))}
      </select>
    );
  if (kind === "list")
    return (
      <textarea
        {...shared}
        rows={Math.min(6, Math.max(2, typed.split("\n").length))}
        placeholder={placeholder === "" ? text("one a line") : placeholder}
        spellCheck={false}
        className="field h-auto py-1.5 font-mono text-[13px]"
      />
    );
  return (
    <input
      {...shared}
      inputMode={kind === "number" ? "decimal" : "text"}
      placeholder={placeholder}
      spellCheck={false}
      className="field"
    />
  );
}
