import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useEffect, useMemo, useState } from "react";
import { Button } from "../../components/button.tsx";
import { Dialog } from "../../components/dialog.tsx";
import { ErrorNotice, Loading, Notice } from "../../components/notice.tsx";
import { useToast } from "../../components/toasts.tsx";
import { useUndoAction } from "../../components/use-undo.ts";
import { ApiError, call } from "../../lib/api.ts";
import { useGatewayText } from "../../lib/gateway-text.ts";
import { sessionQuery } from "../../lib/session.ts";
import { useText } from "../../lib/text.ts";
import { Clashes } from "./clashes.tsx";
import { Differences } from "./differences.tsx";
import { changesOf, type Edits, type Settings } from "./edits.ts";
import { asksForPassword, isOfPassword, PasswordAgain } from "./password-again.tsx";

/** What would change, before it does. */
export function ReviewDialog({
  settings,
  edits,
  onClose,
  onProblems,
  onNewer,
  onSaved,
}: {
  settings: Settings;
  edits: Edits;
  onClose: () => void;
  onProblems: (problems: ReadonlyMap<string, string>) => void;
  /** The file as it is now; the edits stay. */
  onNewer: (settings: Settings) => void;
  onSaved: () => void;
}) {
  const text = useText();
  const said = useGatewayText();
  const toast = useToast();
  const queries = useQueryClient();
  const body = useMemo(
    () => ({
      version: settings.version,
      changes: changesOf(edits, new Map(settings.keys.map((key) => [key.key, key]))),
    }),
    [settings, edits],
  );
  const preview = useQuery({
    queryKey: ["preview", body],
    queryFn: ({ signal }) => call("previewSettings", { body, signal }),
    staleTime: 0,
    gcTime: 0,
  });
  const undoAction = useUndoAction();
  const isPassword = body.changes.some(({ path }) => isOfPassword(path));
  const [currentPassword, setCurrentPassword] = useState("");
  const save = useMutation({
    mutationFn: () => call("changeSettings", { body: isPassword ? { ...body, currentPassword } : body }),
    onSuccess: async ({ auditId }) => {
      // Another password ends all sessions; the reply has begun a new one for this page.
      if (isPassword) await queries.invalidateQueries({ queryKey: sessionQuery.queryKey });
      await queries.invalidateQueries({ queryKey: ["settings"] });
      onSaved();
      toast({
        title: text("The configuration was saved."),
        ...(isPassword ? {} : undoAction({ auditId })),
      });
    },
  });
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    save.mutate();
  };
  const { data } = preview;
  useEffect(() => {
    if (data !== undefined) onProblems(new Map(data.problems.map(({ path, message }) => [path, message])));
  }, [data, onProblems]);
  const conflict = [preview.error, save.error].find(
    (error): error is ApiError => error instanceof ApiError && error.status === 409,
  );
  const readAgain = useMutation({
    mutationFn: () => call("getSettings", {}),
    onSuccess: (newer) => {
      queries.setQueryData<Settings>(["settings"], newer);
      save.reset();
      onNewer(newer);
    },
  });
  return (
    <Dialog isOpen onClose={onClose} title={text("What will change")} width="max-w-2xl">
      <form onSubmit={submit} className="flex flex-col gap-4">
        {preview.isPending && <Loading rows={2} />}
        {preview.error !== null && <ErrorNotice error={preview.error} />}
        {data?.problems.map(({ path, message, repair }) => (
          <Notice key={`${path} ${message}`} tone="bad">
            <span className="font-mono text-[13px]">{path}</span> {said(message)}; {said(repair)}
          </Notice>
        ))}
        {data !== undefined && <Differences differences={data.differences} />}
        {data !== undefined && data.atNextStart.length > 0 && (
          <Notice tone="info">
            {text("At the next start of the gateway: {keys}", { keys: data.atNextStart.join(", ") })}
          </Notice>
        )}
        {isPassword && (
          <PasswordAgain value={currentPassword} error={save.error} onType={setCurrentPassword} />
        )}
        {save.error !== null && !asksForPassword(save.error) && <ErrorNotice error={save.error} />}
        {conflict !== undefined && <Clashes clashes={conflict.clashes} />}
        {conflict !== undefined && (
          <Button isBusy={readAgain.isPending} onClick={() => readAgain.mutate()}>
            {text("Read the file again, and keep my changes")}
          </Button>
        )}
        <div className="flex justify-end gap-2">
          <Button onClick={onClose}>{text("Back")}</Button>
          <Button
            look="primary"
            type="submit"
            isBusy={save.isPending}
            disabled={
              data === undefined || data.problems.length > 0 || (isPassword && currentPassword === "")
            }
          >
            {text("Save")}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
