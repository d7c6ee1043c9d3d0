import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import type { ReplyOf } from "../../../../src/admin/contract.ts";
import { Button } from "../../components/button.tsx";
import { AreaField, Field } from "../../components/field.tsx";
import { ErrorNotice, Notice } from "../../components/notice.tsx";
import { Panel } from "../../components/page.tsx";
import { useToast } from "../../components/toasts.tsx";
import { call } from "../../lib/api.ts";
import { sessionQuery } from "../../lib/session.ts";
import { useText } from "../../lib/text.ts";
import { Differences } from "./differences.tsx";
import type { Settings } from "./edits.ts";
import { asksForPassword, isOfPassword, PasswordAgain } from "./password-again.tsx";

/** Gives a text to the browser as a file. */
function download(name: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: "text/plain" }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  URL.revokeObjectURL(url);
}

/** All settings as one text, and back. */
export function Transfer({ settings }: { settings: Settings }) {
  return (
    <div className="grid items-start gap-3 lg:grid-cols-2">
      <ExportPanel />
      <ImportPanel settings={settings} />
    </div>
  );
}

function ExportPanel() {
  const text = useText();
  const [passphrase, setPassphrase] = useState("");
  const [currentPassword, setCurrentPassword] = useState("");
  const { mutate, error, isPending } = useMutation({
    mutationFn: () =>
      call("exportSettings", { body: passphrase === "" ? {} : { passphrase, currentPassword } }),
    onSuccess: (reply) => {
      download(passphrase === "" ? "clewline.toml" : "clewline-settings.json", reply.text);
      setPassphrase("");
      setCurrentPassword("");
    },
  });
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    mutate();
  };
  return (
    <Panel title={text("Export")}>
      <form onSubmit={submit} className="flex flex-col gap-4">
        <Field
          label={text("Passphrase")}
          type="password"
          autoComplete="new-password"
          minLength={8}
          value={passphrase}
          onChange={({ target }) => setPassphrase(target.value)}
          help={text("Empty: no secret is in the file. With a passphrase, secrets are in it, encrypted.")}
        />
        {passphrase !== "" && (
          <PasswordAgain value={currentPassword} error={error} onType={setCurrentPassword} />
        )}
        {error !== null && !asksForPassword(error) && <ErrorNotice error={error} />}
        <div>
          <Button
            type="submit"
            look="primary"
            isBusy={isPending}
            disabled={passphrase !== "" && currentPassword === ""}
          >
            {text("Export")}
          </Button>
        </div>
      </form>
    </Panel>
  );
}

function ImportPanel({ settings }: { settings: Settings }) {
  const text = useText();
  const toast = useToast();
  const queries = useQueryClient();
  const [typed, setTyped] = useState("");
  const [passphrase, setPassphrase] = useState("");
  const [currentPassword, setCurrentPassword] = useState("");
  const [tried, setTried] = useState<ReplyOf<"importSettings"> | null>(null);
  const isPassword = tried?.differences.some(({ path }) => isOfPassword(path)) === true;
  const { mutate, error, isPending, reset } = useMutation({
    mutationFn: (isTrial: boolean) =>
      call("importSettings", {
        body: {
          version: settings.version,
          text: typed,
          isTrial,
          ...(passphrase === "" ? {} : { passphrase }),
          ...(isPassword && !isTrial ? { currentPassword } : {}),
        },
      }),
    onSuccess: async (reply) => {
      setTried(reply.auditId === null ? reply : null);
      if (reply.auditId === null) return;
      setTyped("");
      setCurrentPassword("");
      toast({ title: text("The configuration was saved.") });
      // Another password ends all sessions; the reply has begun a new one for this page.
      if (isPassword) await queries.invalidateQueries({ queryKey: sessionQuery.queryKey });
      await queries.invalidateQueries({ queryKey: ["settings"] });
    },
  });
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    mutate(true);
  };
  return (
    <Panel title={text("Import")}>
      <form onSubmit={submit} className="flex flex-col gap-4">
        <AreaField
          label={text("Exported text")}
          rows={8}
          required
          spellCheck={false}
          value={typed}
          onChange={({ target }) => {
            setTyped(target.value);
            setTried(null);
            reset();
          }}
          help={text("It replaces the configuration. Secrets that it does not have stay as they are.")}
        />
        <Field
          label={text("Passphrase")}
          type="password"
          autoComplete="off"
          value={passphrase}
          onChange={({ target }) => setPassphrase(target.value)}
          help={text("Only for an encrypted export.")}
        />
        {tried !== null && (
          <>
            {tried.differences.length === 0 && <Notice tone="info">{text("Nothing would change.")}</Notice>}
            <Differences differences={tried.differences} />
          </>
        )}
        {isPassword && <PasswordAgain value={currentPassword} error={error} onType={setCurrentPassword} />}
        {error !== null && !asksForPassword(error) && <ErrorNotice error={error} />}
        <div className="flex gap-2">
          <Button type="submit" isBusy={isPending}>
            {text("Show what would change")}
          </Button>
          {tried !== null && tried.differences.length > 0 && (
            <Button
              look="primary"
              isBusy={isPending}
              disabled={isPassword && currentPassword === ""}
              onClick={() => mutate(false)}
            >
              {text("Import")}
            </Button>
          )}
        </div>
      </form>
    </Panel>
  );
}
