import { type ComponentProps, type ReactNode, useId } from "react";

/** A labelled input; `error` stands at the field and is read with it. */
export function Field({
  label,
  help,
  error,
  ...input
}: Omit<ComponentProps<"input">, "id"> & { label: string; help?: ReactNode; error?: string | null }) {
  const id = useId();
  const isWrong = error !== undefined && error !== null;
  return (
    <div className="flex flex-col gap-1">
      <label htmlFor={id} className="font-medium">
        {label}
      </label>
      <input
        {...input}
        id={id}
        aria-invalid={isWrong || undefined}
        aria-describedby={`${id}-help`}
        className={`field ${isWrong ? "border-bad" : ""} ${input.className ?? ""}`}
      />
      <div id={`${id}-help`} className={`text-[13px] ${isWrong ? "text-bad" : "text-muted"}`}>
        {isWrong ? error : help}
      </div>
    </div>
  );
}

export function SelectField({
  label,
  isLabelHidden = false,
  children,
  ...select
}: Omit<ComponentProps<"select">, "id"> & { label: string; isLabelHidden?: boolean }) {
  const id = useId();
  return (
    <div className="flex flex-col gap-1">
      <label htmlFor={id} className={isLabelHidden ? "sr-only" : "font-medium"}>
        {label}
      </label>
      <select {...select} id={id} className={`field pr-6 ${select.className ?? ""}`}>
        {children}
      </select>
    </div>
  );
}

export function AreaField({
  label,
  help,
  ...area
}: Omit<ComponentProps<"textarea">, "id"> & { label: string; help?: ReactNode }) {
  const id = useId();
  return (
    <div className="flex flex-col gap-1">
      <label htmlFor={id} className="font-medium">
        {label}
      </label>
      <textarea
        {...area}
        id={id}
        aria-describedby={`${id}-help`}
        className={`field h-auto py-2 font-mono text-[13px] ${area.className ?? ""}`}
      />
      <div id={`${id}-help`} className="text-[13px] text-muted">
        {help}
      </div>
    </div>
  );
}
