import { useMutation, useQueryClient } from "@tanstack/react-query";
import { LogIn } from "lucide-react";
import { type FormEvent, useEffect, useState } from "react";
import { Button } from "../components/button.tsx";
import { useNow } from "../components/countdown.tsx";
import { Field } from "../components/field.tsx";
import { ErrorNotice, Notice } from "../components/notice.tsx";
import { ApiError, call } from "../lib/api.ts";
import { countdown } from "../lib/format.ts";
import { type Session, sessionQuery } from "../lib/session.ts";
import { useText } from "../lib/text.ts";
import { Logo } from "./logo.tsx";
import { Preferences } from "./preferences.tsx";

const LINK = /^#link=([\w-]+)$/;

/** The token of a link that signs in once. It is taken out of the address, so that no history keeps it. */
function takeLink(): string | null {
  const token = LINK.exec(location.hash)?.[1] ?? null;
  if (token !== null) history.replaceState(null, "", location.pathname + location.search);
  return token;
}

export function SignIn({ session }: { session: Session }) {
  const text = useText();
  const queries = useQueryClient();
  const [password, setPassword] = useState("");
  const [lockedUntilMs, setLockedUntilMs] = useState(0);
  const isLocked = useNow() < lockedUntilMs;
  const { mutate, error, isPending } = useMutation({
    mutationFn: (body: { password: string } | { link: string }) => call("signIn", { body }),
    onSuccess: () => queries.invalidateQueries({ queryKey: sessionQuery.queryKey }),
    onError: (cause) => {
      if (cause instanceof ApiError && cause.status === 429)
        setLockedUntilMs(Date.now() + (cause.retryAfterS ?? 60) * 1_000);
    },
  });
  useEffect(() => {
    document.title = "Clewline";
    const link = takeLink();
    if (link !== null) mutate({ link });
  }, [mutate]);
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (!isLocked) mutate({ password });
  };
  const isWrong = error instanceof ApiError && error.status === 401;
  return (
    <main className="flex min-h-dvh flex-col items-center justify-center gap-6 p-4">
      <form onSubmit={submit} className="panel flex w-full max-w-sm flex-col gap-4 p-6">
        <div className="flex items-center gap-2">
          <Logo />
          <h1 className="flex-1">{text("Sign in to Clewline")}</h1>
        </div>
        {session.isPlainHttp && (
          <Notice tone="warn">
            {text("This page came over plain HTTP. Others on the network can read the password.")}
          </Notice>
        )}
        <Field
          label={text("Admin password")}
          type="password"
          name="password"
          autoComplete="current-password"
          required
          autoFocus
          value={password}
          onChange={({ target }) => setPassword(target.value)}
          error={isWrong && password !== "" ? text("This password is wrong.") : null}
        />
        {isLocked && <LockNotice untilMs={lockedUntilMs} />}
        {error !== null && !isLocked && !(isWrong && password !== "") && <ErrorNotice error={error} />}
        <Button
          look="primary"
          type="submit"
          isBusy={isPending}
          disabled={isLocked}
          icon={<LogIn size={16} aria-hidden />}
        >
          {text("Sign in")}
        </Button>
        <p className="text-[13px] text-muted">
          {text("No password at hand? Run this on the gateway's machine, and open the link that it prints:")}{" "}
          <code className="font-mono whitespace-nowrap text-ink">clewline admin link</code>
        </p>
      </form>
      <Preferences />
    </main>
  );
}

function LockNotice({ untilMs }: { untilMs: number }) {
  const text = useText();
  const now = useNow();
  return (
    <Notice tone="bad">
      {text("Too many wrong passwords. The next try is possible in {time}.", {
        time: countdown(untilMs - now),
      })}{" "}
      {text("One-time links still work.")}
    </Notice>
  );
}
