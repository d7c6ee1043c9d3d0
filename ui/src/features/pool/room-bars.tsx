import { Countdown } from "../../components/countdown.tsx";
import { compact, dollars, percent } from "../../lib/format.ts";
import { useText } from "../../lib/text.ts";
import type { Message } from "../../locales/messages.ts";
import type { Credential } from "./states.ts";

type Room = Credential["room"][number];

const DIMENSIONS: Record<Room["dimension"], Message> = {
  requests: "Requests",
  input: "Input tokens",
  output: "Output tokens",
  tokens: "Tokens",
  concurrency: "At once",
  money: "Money",
};
const SPANS: Record<Room["span"], Message | null> = {
  minute: "a minute",
  day: "a day",
  month: "a month",
  now: null,
  other: null,
};

/** What is left of each limit. The figure stands beside the bar, so that the bar's colour says nothing by itself. */
export function RoomBars({ room }: { room: readonly Room[] }) {
  const text = useText();
  if (room.length === 0) return null;
  return (
    <ul aria-label={text("What is left of its limits")} className="grid gap-x-4 gap-y-2 sm:grid-cols-2">
      {room.map((one) => (
        <RoomBar key={`${one.by} ${one.dimension} ${one.span} ${one.model ?? ""}`} room={one} />
      ))}
    </ul>
  );
}

function RoomBar({ room }: { room: Room }) {
  const { by, dimension, span, model, limit, remaining, resetsAtMs, isGradual } = room;
  const text = useText();
  const show = dimension === "money" ? dollars : compact;
  const left = limit === null || limit <= 0 ? null : Math.min(1, Math.max(0, remaining / limit));
  const spanTitle = SPANS[span];
  const tone = left === null || left > 0.25 ? "bg-good" : left > 0.05 ? "bg-warn" : "bg-bad";
  return (
    <li className="min-w-0 text-[13px]">
      <div className="flex items-baseline gap-1.5">
        <span className="min-w-0 flex-1 break-words text-muted" title={model ?? undefined}>
          {text(DIMENSIONS[dimension])} {spanTitle !== null && text(spanTitle)}
          {model !== null && ` · ${model}`}
          {by === "operator" && ` · ${text("own limit")}`}
        </span>
        <span className="tabular">
          {show(remaining)}
          {limit !== null && <span className="text-muted"> / {show(limit)}</span>}
        </span>
      </div>
      <div className="mt-0.5 h-1.5 overflow-hidden rounded-full bg-sunken">
        {left !== null && (
          <div className={`h-full rounded-full ${tone}`} style={{ width: `${left * 100}%` }} />
        )}
      </div>
      <RoomNote left={left} resetsAtMs={resetsAtMs} isGradual={isGradual} />
    </li>
  );
}

/** As a figure in percent it is 100 from here on. */
const SHOWN_AS_WHOLE = 0.995;

/** A limit that comes back little by little has no moment at which it begins anew. */
function RoomNote({
  left,
  resetsAtMs,
  isGradual,
}: {
  left: number | null;
} & Pick<Room, "resetsAtMs" | "isGradual">) {
  const text = useText();
  const comesBack = isGradual && (left === null || left < SHOWN_AS_WHOLE);
  const hasTime = resetsAtMs !== null && (comesBack || !isGradual);
  if ((left === null || left >= 0.25) && !hasTime && !comesBack) return null;
  const notes = [
    left === null ? null : text("{share} left", { share: percent(left) }),
    comesBack ? text("comes back little by little") : null,
  ].filter((note) => note !== null);
  return (
    <p className="text-[12.5px] text-muted">
      {notes.join(" · ")}
      {hasTime && (
        <>
          {notes.length > 0 && " · "}
          {isGradual ? text("whole in") : text("anew in")} <Countdown untilMs={resetsAtMs} />
        </>
      )}
    </p>
  );
}
