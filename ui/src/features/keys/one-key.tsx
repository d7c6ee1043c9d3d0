import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, type ReactNode, useState } from "react";
import { Link, useLocation } from "wouter";
import { Badge } from "../../components/badge.tsx";
import { Button, buttonClass } from "../../components/button.tsx";
import { ErrorNotice, Loading, Notice } from "../../components/notice.tsx";
import { Page, Panel } from "../../components/page.tsx";
import { useToast } from "../../components/toasts.tsx";
import { useUndoAction } from "../../components/use-undo.ts";
import { call } from "../../lib/api.ts";
import { dayAndMinute, dollars } from "../../lib/format.ts";
import { useGatewayText } from "../../lib/gateway-text.ts";
import { useText } from "../../lib/text.ts";
import { changedSettings } from "./key-settings.ts";
import { KEY_STATES, type Key } from "./key-states.ts";
import { LimitMeters } from "./limit-meters.tsx";
import { RevokeDialog } from "./revoke-dialog.tsx";
import { RotateDialog } from "./rotate-dialog.tsx";
import { SettingsFields } from "./settings-form.tsx";
import { useKeyActs } from "./use-key-acts.ts";

export function OneKey({ name }: { name: string }) {
  const text = useText();
  const { data, error, isPending, refetch } = useQuery({
    queryKey: ["keys", "one", name],
    queryFn: ({ signal }) => call("getKey", { params: { name }, signal }),
  });
  return (
    <Page title={name} tools={data !== undefined && <Tools line={data.key} />}>
      {error !== null && <ErrorNotice error={error} onRetry={() => void refetch()} />}
      {isPending && <Loading rows={3} height={120} />}
      {data !== undefined && (
        <>
          <div className="grid items-start gap-3 lg:grid-cols-2">
            <Panel title={text("The key")}>
              <KeyFacts line={data.key} />
            </Panel>
            <Panel title={text("Used of its limits")}>
              <LimitMeters limits={data.key.limits} />
              {data.spent !== null && (
                <dl className="mt-3 grid grid-cols-2 gap-2 sm:grid-cols-4">
                  {(
                    [
                      [text("Today"), data.spent.dayNanoUsd],
                      [text("This week"), data.spent.weekNanoUsd],
                      [text("This month"), data.spent.monthNanoUsd],
                      [text("Ever"), data.spent.allNanoUsd],
                    ] as const
                  ).map(([title, amount]) => (
                    <div key={title}>
                      <dt className="text-[13px] text-muted">{title}</dt>
                      <dd className="tabular font-semibold">{dollars(amount)}</dd>
                    </div>
                  ))}
                </dl>
              )}
            </Panel>
          </div>
          <SettingsPanel key={JSON.stringify(data.key.settings)} line={data.key} />
        </>
      )}
    </Page>
  );
}

function Tools({ line: { name, from, state } }: { line: Key }) {
  const text = useText();
  const [, go] = useLocation();
  const [isRotating, setRotating] = useState(false);
  const [isRevoking, setRevoking] = useState(false);
  const { mutate } = useKeyActs();
  const isStored = from === "database" && state !== "revoked";
  return (
    <div className="flex flex-wrap gap-2">
      <Link href={`/requests?key=${encodeURIComponent(name)}`} className={buttonClass("plain")}>
        {text("Its requests")}
      </Link>
      {isStored && (
        <>
          <Button
            onClick={() => mutate({ act: state === "paused" ? "resumeKeys" : "pauseKeys", names: [name] })}
          >
            {state === "paused" ? text("Resume") : text("Pause")}
          </Button>
          <Button onClick={() => setRotating(true)}>{text("Rotate…")}</Button>
          <Button look="danger" onClick={() => setRevoking(true)}>
            {text("Revoke…")}
          </Button>
        </>
      )}
      {isRotating && <RotateDialog name={name} onClose={() => setRotating(false)} />}
      <RevokeDialog
        names={isRevoking ? [name] : []}
        onClose={() => setRevoking(false)}
        onRevoke={() => {
          setRevoking(false);
          mutate({ act: "revokeKeys", names: [name] }, { onSuccess: () => go("/keys") });
        }}
      />
    </div>
  );
}

function KeyFacts({ line }: { line: Key }) {
  const text = useText();
  const said = useGatewayText();
  const { state, from, prefix, lastFour, createdAtMs, expiresAtMs, revokedAtMs, oldUntilMs, team, fault } =
    line;
  const { title, tone } = KEY_STATES[state];
  const facts: readonly (readonly [string, ReactNode])[] = [
    [
      text("State"),
      <Badge key="state" tone={tone}>
        {text(title)}
      </Badge>,
    ],
    [
      text("Kept"),
      from === "file" ? text("in the configuration file") : text("in the data folder, as a hash"),
    ],
    [
      text("Begins and ends with"),
      prefix === null ? null : (
        <code key="prefix" className="font-mono text-[13px]">
          {prefix}…{lastFour}
        </code>
      ),
    ],
    [text("Team"), team],
    [text("Created"), createdAtMs === null ? null : dayAndMinute(createdAtMs)],
    [text("Ends"), expiresAtMs === null ? text("never") : dayAndMinute(expiresAtMs)],
    [text("Revoked"), revokedAtMs === null ? null : dayAndMinute(revokedAtMs)],
    [text("The old key works until"), oldUntilMs === null ? null : dayAndMinute(oldUntilMs)],
  ];
  return (
    <>
      <dl className="grid grid-cols-[auto_1fr] gap-x-4 gap-y-1.5">
        {facts
          .filter(([, value]) => value !== null)
          .map(([name, value]) => (
            <div key={name} className="contents">
              <dt className="text-muted">{name}</dt>
              <dd className="min-w-0 break-words">{value}</dd>
            </div>
          ))}
      </dl>
      {fault !== null && (
        <div className="mt-3">
          <Notice tone="bad">{said(fault)}</Notice>
        </div>
      )}
    </>
  );
}

function SettingsPanel({ line }: { line: Key }) {
  const text = useText();
  const toast = useToast();
  const queries = useQueryClient();
  const undoAction = useUndoAction();
  const [typed, setTyped] = useState<Readonly<Record<string, string>>>({});
  const changed = changedSettings(typed, line.settings);
  const { mutate, error, isPending } = useMutation({
    mutationFn: () => call("changeKey", { params: { name: line.name }, body: { settings: changed } }),
    onSuccess: ({ undo }) => {
      toast({ title: text("The key was changed."), ...undoAction(undo) });
      return queries.invalidateQueries({ queryKey: ["keys"] });
    },
  });
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    mutate();
  };
  const isLocked = line.from === "file" || line.state === "revoked";
  return (
    <Panel title={text("Limits and rights")}>
      {line.from === "file" && (
        <Notice tone="info">
          {text("This key is in the configuration file. Change its settings there.")}{" "}
          <Link href="/settings?q=keys" className="text-accent underline">
            {text("Open the settings")}
          </Link>
        </Notice>
      )}
      <form onSubmit={submit} className="mt-2 flex flex-col gap-4">
        <fieldset disabled={isLocked}>
          <legend className="sr-only">{text("Limits and rights")}</legend>
          <SettingsFields
            typed={typed}
            before={line.settings}
            error={error}
            onType={(field, value) => setTyped((before) => ({ ...before, [field]: value }))}
          />
        </fieldset>
        {error !== null && <ErrorNotice error={error} />}
        {!isLocked && (
          <div className="flex justify-end gap-2">
            <Button onClick={() => setTyped({})} disabled={Object.keys(changed).length === 0}>
              {text("Discard")}
            </Button>
            <Button
              look="primary"
              type="submit"
              isBusy={isPending}
              disabled={Object.keys(changed).length === 0}
            >
              {text("Save")}
            </Button>
          </div>
        )}
      </form>
    </Panel>
  );
}
