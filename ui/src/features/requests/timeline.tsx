import type { ReplyOf } from "../../../../src/admin/contract.ts";
import { duration } from "../../lib/format.ts";
import { useText } from "../../lib/text.ts";
import type { Message } from "../../locales/messages.ts";

type Step = ReplyOf<"getRequest">["timeline"][number];

const STEPS: Record<Step["step"], { readonly title: Message; readonly look: string }> = {
  wait: { title: "Waited for a credential", look: "bg-warn" },
  attempt: { title: "Attempt", look: "bg-info" },
  first_byte: { title: "Waited for the first byte", look: "bg-info" },
  answer: { title: "Answer", look: "bg-good" },
  end: { title: "End", look: "bg-muted" },
};

/** Each step as a bar from its start to its end; the figures stand beside it. */
export function Timeline({ steps, durationMs }: { steps: readonly Step[]; durationMs: number }) {
  const text = useText();
  const all = Math.max(1, durationMs, ...steps.map(({ endMs }) => endMs));
  return (
    <ol className="flex flex-col gap-2.5">
      {steps.map((step) => {
        const { title, look } = STEPS[step.step];
        const isBad = step.reason !== "";
        return (
          <li
            key={`${step.step} ${step.startMs} ${step.credential}`}
            className="grid gap-x-4 sm:grid-cols-[minmax(0,1fr)_minmax(0,1.6fr)]"
          >
            <div className="min-w-0">
              <p className="flex gap-2">
                <span className="font-medium">{text(title)}</span>
                {step.status !== null && (
                  <span className={`tabular ${isBad ? "text-bad" : "text-muted"}`}>{step.status}</span>
                )}
                <span className="tabular ml-auto text-muted">{duration(step.endMs - step.startMs)}</span>
              </p>
              {step.upstream !== null && (
                <p className="truncate text-[13px] text-muted">
                  {step.upstream}
                  {step.credential !== null && ` / ${step.credential}`}
                </p>
              )}
              {isBad && <p className="text-[13px] break-words text-bad">{step.reason}</p>}
            </div>
            <div className="relative mt-1.5 h-3 rounded-full bg-sunken" aria-hidden>
              <div
                className={`absolute h-3 min-w-[3px] rounded-full ${isBad ? "bg-bad" : look}`}
                style={{
                  left: `${(step.startMs / all) * 100}%`,
                  width: `${((step.endMs - step.startMs) / all) * 100}%`,
                }}
              />
            </div>
          </li>
        );
      })}
    </ol>
  );
}
