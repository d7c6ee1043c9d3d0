import { CircleCheck } from "lucide-react";
import type { ReactNode } from "react";
import { useText } from "../../lib/text.ts";

const idOf = (number: number): string => `step-${number}`;

/** Where the next step begins, once it is on the page. What a person is typing in keeps the focus. */
export function focusStep(number: number): void {
  requestAnimationFrame(() => {
    const typed = document.activeElement;
    if (typed instanceof HTMLTextAreaElement && typed.value !== "") return;
    const first = document.getElementById(idOf(number))?.querySelector<HTMLElement>("[data-first]");
    first?.focus({ preventScroll: true });
    first?.scrollIntoView({ block: "center" });
  });
}

/** One step of the guide. */
export function Step({
  number,
  title,
  isDone,
  children,
}: {
  number: number;
  title: string;
  isDone: boolean;
  children: ReactNode;
}) {
  const text = useText();
  return (
    <li id={idOf(number)} className="panel flex min-w-0 gap-3 p-4">
      {isDone ? (
        <CircleCheck size={26} aria-label={text("Done")} className="shrink-0 text-good" />
      ) : (
        <span
          aria-hidden
          className="flex size-[26px] shrink-0 items-center justify-center rounded-full bg-accent-soft font-semibold text-accent"
        >
          {number}
        </span>
      )}
      <div className="flex min-w-0 flex-1 flex-col gap-3">
        <h2 className="leading-[26px]">{title}</h2>
        {children}
      </div>
    </li>
  );
}
