import { ChevronRight } from "lucide-react";
import type { ReplyOf } from "../../../../src/admin/contract.ts";
import { compact, dollars, NONE } from "../../lib/format.ts";
import { useText } from "../../lib/text.ts";
import type { Message } from "../../locales/messages.ts";

type Target = ReplyOf<"listModels">["models"][number]["targets"][number];

const ABILITIES: readonly (readonly [keyof Target["abilities"], Message])[] = [
  ["thinking", "Thinking"],
  ["image", "Images"],
  ["pdf", "PDF"],
  ["audio", "Audio"],
  ["video", "Video"],
  ["structuredOutput", "Structured output"],
];

/** Targets in the order in which they are asked: each next one is asked when those before cannot answer. */
export function TargetFlow({ title, targets }: { title: string | null; targets: readonly Target[] }) {
  const text = useText();
  return (
    <div className="min-w-0">
      {title !== null && <p className="mb-1 text-[13px] text-muted">{title}</p>}
      <ol className="flex flex-col gap-1.5 lg:flex-row lg:flex-wrap lg:items-stretch">
        {targets.map((target, at) => (
          <li key={`${target.upstream} ${target.model}`} className="flex min-w-0 items-center gap-1.5">
            {at > 0 && (
              <span className="text-muted">
                <ChevronRight size={15} aria-hidden />
                <span className="sr-only">{text("and then")}</span>
              </span>
            )}
            <TargetBox target={target} />
          </li>
        ))}
      </ol>
    </div>
  );
}

function TargetBox({ target }: { target: Target }) {
  const text = useText();
  const { upstream, model, readyCredentials, credentials, price, abilities } = target;
  const known = ABILITIES.filter(([name]) => abilities[name] === true).map(([, title]) => text(title));
  const isDown = readyCredentials === 0;
  return (
    <div className={`min-w-0 rounded-[8px] border px-3 py-1.5 ${isDown ? "border-bad" : "border-line"}`}>
      <p className="break-all">
        <span className="text-muted">{upstream} / </span>
        {model}
      </p>
      <p className="flex flex-wrap gap-x-3 text-[13px] text-muted">
        <span className={isDown ? "font-medium text-bad" : ""}>
          {text("{ready} of {all} credentials ready", { ready: readyCredentials, all: credentials })}
        </span>
        <span className="tabular">
          {price === null
            ? text("no price")
            : text("{input} in, {output} out a million", {
                input: price.input === null ? NONE : dollars(price.input),
                output: price.output === null ? NONE : dollars(price.output),
              })}
        </span>
        {abilities.contextTokens !== null && (
          <span className="tabular">
            {text("{count} tokens of context", { count: compact(abilities.contextTokens) })}
          </span>
        )}
        {known.length > 0 && <span>{known.join(" · ")}</span>}
      </p>
    </div>
  );
}
