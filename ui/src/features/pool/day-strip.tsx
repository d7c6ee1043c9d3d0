import { clockTime, whole } from "../../lib/format.ts";
import { useText } from "../../lib/text.ts";
import type { Credential } from "./states.ts";

const HOUR_MS = 3_600_000;

/** An hour with failures is shorter in its good part, so that it can be told without its colour. */
export function DayStrip({ day }: { day: Credential["day"] }) {
  const text = useText();
  // The place of the strip: nothing moves when the ledger has answered.
  if (day === null) return <div aria-hidden className="h-6 rounded-[2px] bg-sunken" />;
  const hours = day.ok.map((ok, at) => ({
    startMs: day.startMs + at * HOUR_MS,
    ok,
    failed: day.failed[at] ?? 0,
  }));
  const [ok, failed] = [
    hours.reduce((sum, hour) => sum + hour.ok, 0),
    hours.reduce((sum, hour) => sum + hour.failed, 0),
  ];
  return (
    <div
      role="img"
      aria-label={text("The last 24 hours: {ok} good, {failed} failed", {
        ok: whole(ok),
        failed: whole(failed),
      })}
      className="flex h-6 gap-[2px]"
    >
      {hours.map((hour) => {
        const all = hour.ok + hour.failed;
        return (
          <span
            key={hour.startMs}
            title={`${clockTime(hour.startMs)} · ${text("{ok} good, {failed} failed", { ok: whole(hour.ok), failed: whole(hour.failed) })}`}
            className="flex flex-1 flex-col-reverse overflow-hidden rounded-[2px] bg-sunken"
          >
            {hour.ok > 0 && <span className="bg-good" style={{ height: `${(hour.ok / all) * 100}%` }} />}
            {hour.failed > 0 && (
              <span className="min-h-1 bg-bad" style={{ height: `${(hour.failed / all) * 100}%` }} />
            )}
          </span>
        );
      })}
    </div>
  );
}
