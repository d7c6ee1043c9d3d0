import { Link } from "wouter";
import { Badge } from "../../components/badge.tsx";
import { dayAndMinute } from "../../lib/format.ts";
import { useGatewayText } from "../../lib/gateway-text.ts";
import { useText } from "../../lib/text.ts";
import { KEY_STATES, type Key } from "./key-states.ts";
import { LimitMeters } from "./limit-meters.tsx";

/** One key in the list. */
export function KeyLine({
  line,
  isChosen,
  onChoose,
}: {
  line: Key;
  isChosen: boolean;
  /** null: the key cannot be changed here. */
  onChoose: (() => void) | null;
}) {
  const text = useText();
  const said = useGatewayText();
  const { name, state, from, prefix, lastFour, team, expiresAtMs, fault, oldUntilMs, limits } = line;
  const { title, tone } = KEY_STATES[state];
  return (
    <div className="grid items-start gap-x-4 gap-y-2 px-4 py-3 md:grid-cols-[minmax(0,1.2fr)_minmax(0,1fr)]">
      <div className="flex min-w-0 gap-3">
        <input
          type="checkbox"
          className="mt-0.5 size-4 shrink-0 accent-accent"
          aria-label={text("Choose {name}", { name })}
          checked={isChosen}
          disabled={onChoose === null}
          onChange={() => onChoose?.()}
        />
        <div className="min-w-0 flex-1">
          <p className="flex flex-wrap items-center gap-x-2 gap-y-1">
            <Link
              href={`/keys/${encodeURIComponent(name)}`}
              className="min-w-0 truncate font-medium hover:underline"
            >
              {name}
            </Link>
            <Badge tone={tone}>{text(title)}</Badge>
            {from === "file" && <span className="text-[13px] text-muted">{text("in the file")}</span>}
          </p>
          <p className="flex flex-wrap gap-x-3 text-[13px] text-muted">
            {prefix !== null && (
              <span className="font-mono">
                {prefix}…{lastFour}
              </span>
            )}
            {team !== null && <span>{text("team {name}", { name: team })}</span>}
            {expiresAtMs !== null && <span>{text("ends {time}", { time: dayAndMinute(expiresAtMs) })}</span>}
            {oldUntilMs !== null && (
              <span className="text-info">
                {text("old key until {time}", { time: dayAndMinute(oldUntilMs) })}
              </span>
            )}
          </p>
          {fault !== null && <p className="text-[13px] break-words text-bad">{said(fault)}</p>}
        </div>
      </div>
      <div className="pl-7 md:pl-0">
        <LimitMeters limits={limits} />
      </div>
    </div>
  );
}
