import { CirclePause, CirclePlay, EllipsisVertical, FlaskConical, RotateCcw, Trash2 } from "lucide-react";
import { Link } from "wouter";
import { Badge } from "../../components/badge.tsx";
import { IconButton } from "../../components/button.tsx";
import { Countdown } from "../../components/countdown.tsx";
import { Menu, type MenuItem } from "../../components/menu.tsx";
import { compact, dayAndMinute, dollars, percent } from "../../lib/format.ts";
import { useGatewayText } from "../../lib/gateway-text.ts";
import { useText } from "../../lib/text.ts";
import { DayStrip } from "./day-strip.tsx";
import { RoomBars } from "./room-bars.tsx";
import { type Credential, STATES } from "./states.ts";
import { useCredentialActs } from "./use-credential-acts.ts";

export function CredentialCard({ credential, onTest }: { credential: Credential; onTest: () => void }) {
  const text = useText();
  const said = useGatewayText();
  const { id, upstream, name, state, untilMs, reason, detail, key, owner, models } = credential;
  const { title, tone, icon } = STATES[state];
  return (
    <article aria-label={id} className="panel flex flex-col gap-3 p-4">
      <div className="flex items-start gap-2">
        <div className="min-w-0 flex-1">
          <h2 className="truncate" title={id}>
            <span className="text-muted">{upstream} / </span>
            {name}
          </h2>
          {owner !== null && <p className="truncate text-[13px] text-muted">{owner}</p>}
        </div>
        <Badge tone={tone} icon={icon}>
          {text(title)}
          {untilMs !== null && (
            <>
              {" "}
              <Countdown untilMs={untilMs} />
            </>
          )}
        </Badge>
        <Acts credential={credential} onTest={onTest} />
      </div>
      {reason !== "" && (
        <p className="break-words">
          {said(reason)}
          {key !== null && ` ${text("It holds for the key {name} alone.", { name: key })}`}
          {detail !== "" && <span className="font-mono text-[13px] text-muted"> {said(detail)}</span>}
        </p>
      )}
      {models.length > 0 && (
        <ul className="flex flex-col gap-1 text-[13px]">
          {models.map((one) => (
            <li key={one.model} className="flex flex-wrap items-center gap-x-2">
              <Badge tone={STATES[one.state].tone} icon={STATES[one.state].icon}>
                {text(STATES[one.state].title)}
                {one.untilMs !== null && (
                  <>
                    {" "}
                    <Countdown untilMs={one.untilMs} />
                  </>
                )}
              </Badge>
              <span className="font-mono break-all">{one.model}</span>
              <span className="text-muted">
                {said(one.reason)}
                {one.key !== null && ` ${text("It holds for the key {name} alone.", { name: one.key })}`}
              </span>
            </li>
          ))}
        </ul>
      )}
      <RoomBars room={credential.room} />
      <DayFacts credential={credential} />
      <LastErrors credential={credential} />
    </article>
  );
}

function Acts({ credential, onTest }: { credential: Credential; onTest: () => void }) {
  const text = useText();
  const { act, remove } = useCredentialActs();
  const isOut = credential.state === "paused" || credential.state === "draining";
  const run = (name: Parameters<typeof act.mutate>[0]["act"]) => () => act.mutate({ act: name, credential });
  const pause: readonly MenuItem[] = isOut
    ? [{ label: text("Enable"), icon: <CirclePlay size={15} aria-hidden />, run: run("enableCredential") }]
    : [
        { label: text("Pause"), icon: <CirclePause size={15} aria-hidden />, run: run("pauseCredential") },
        { label: text("Drain"), icon: <CirclePause size={15} aria-hidden />, run: run("drainCredential") },
      ];
  return (
    <Menu
      trigger={
        <IconButton label={text("Actions for {name}", { name: credential.id })} className="-mt-1.5 -mr-2">
          <EllipsisVertical size={17} aria-hidden />
        </IconButton>
      }
      groups={[
        {
          items: [
            ...(credential.isOfCallers
              ? []
              : [{ label: text("Test…"), icon: <FlaskConical size={15} aria-hidden />, run: onTest }]),
            ...pause,
            { label: text("Reset"), icon: <RotateCcw size={15} aria-hidden />, run: run("resetCredential") },
          ],
        },
        ...(credential.isOfCallers
          ? []
          : [
              {
                items: [
                  {
                    label: text("Delete"),
                    icon: <Trash2 size={15} aria-hidden />,
                    isDanger: true,
                    run: () => remove.mutate(credential),
                  },
                ],
              },
            ]),
      ]}
    />
  );
}

function DayFacts({ credential: { day, inFlight } }: { credential: Credential }) {
  const text = useText();
  return (
    <div className="flex flex-col gap-1.5">
      <DayStrip day={day} />
      <dl className="flex flex-wrap gap-x-4 gap-y-0.5 text-[13px] text-muted [&_dd]:inline [&_dd]:tabular [&_dd]:text-ink [&_dt]:inline">
        <div>
          <dt>{text("Running")} </dt>
          <dd>{inFlight}</dd>
        </div>
        <div>
          <dt>{text("24 hours")} </dt>
          <dd>
            {compact(day?.requests)} · {dollars(day?.costNanoUsd)}
          </dd>
        </div>
        <div>
          <dt>{text("From cache")} </dt>
          <dd>{percent(day?.cacheReadShare)}</dd>
        </div>
      </dl>
    </div>
  );
}

/** More may have failed than there are errors to show: the list of errors is short. */
function hasOnlyGood(day: Credential["day"]): boolean {
  return day !== null && day.requests > 0 && day.failed.every((failed) => failed === 0);
}

function LastErrors({ credential: { day, lastErrors } }: { credential: Credential }) {
  const text = useText();
  if (lastErrors.length === 0)
    return (
      // The line is there before the ledger has answered, so that nothing moves then.
      <p className="min-h-[1.5em] text-[13px] text-muted">
        {hasOnlyGood(day) && text("No errors in 24 hours")}
      </p>
    );
  return (
    <details>
      <summary className="w-fit text-[13px] text-muted hover:text-ink">
        {text("{count, plural, one {# last error} other {# last errors}}", { count: lastErrors.length })}
      </summary>
      <ul className="mt-1 flex flex-col gap-1 text-[13px]">
        {lastErrors.map(({ requestId, atMs, status, errorKind }) => (
          <li key={requestId} className="flex gap-2">
            <span className="tabular whitespace-nowrap text-muted">{dayAndMinute(atMs)}</span>
            <Link href={`/requests/${requestId}`} className="min-w-0 truncate text-accent underline">
              {status} {errorKind}
            </Link>
          </li>
        ))}
      </ul>
    </details>
  );
}
