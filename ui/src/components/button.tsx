import type { ComponentProps, ReactNode } from "react";

const LOOKS = {
  primary: "bg-accent text-on-accent hover:opacity-90 border-transparent",
  plain: "bg-surface text-ink border-edge hover:bg-hover",
  quiet: "bg-transparent text-ink border-transparent hover:bg-hover",
  danger: "bg-surface text-bad border-bad hover:bg-bad-soft",
} as const;

export interface ButtonProps extends ComponentProps<"button"> {
  readonly look?: keyof typeof LOOKS;
  readonly icon?: ReactNode;
  readonly isBusy?: boolean;
}

export const buttonClass = (look: keyof typeof LOOKS = "plain"): string =>
  `inline-flex h-[34px] items-center justify-center gap-1.5 rounded-[7px] border px-3 font-medium whitespace-nowrap select-none disabled:opacity-60 disabled:cursor-not-allowed ${LOOKS[look]}`;

export function Button({
  look = "plain",
  icon,
  isBusy = false,
  children,
  className = "",
  ...rest
}: ButtonProps) {
  return (
    <button
      type="button"
      {...rest}
      aria-busy={isBusy || undefined}
      disabled={rest.disabled === true || isBusy}
      className={`${buttonClass(look)} ${className}`}
    >
      {icon}
      {children}
    </button>
  );
}

/** A button that shows only a picture; `label` is its name. */
export function IconButton({
  label,
  children,
  className = "",
  ...rest
}: ComponentProps<"button"> & { label: string }) {
  return (
    <button
      type="button"
      {...rest}
      aria-label={label}
      title={label}
      className={`inline-flex size-[34px] shrink-0 items-center justify-center rounded-[7px] text-muted hover:bg-hover hover:text-ink disabled:opacity-50 ${className}`}
    >
      {children}
    </button>
  );
}
