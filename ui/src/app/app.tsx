import { i18n } from "@lingui/core";
import { I18nProvider } from "@lingui/react";
import { QueryClient, QueryClientProvider, useQuery } from "@tanstack/react-query";
import { useEffect } from "react";
import { Router } from "wouter";
import { ErrorNotice } from "../components/notice.tsx";
import { ToastProvider } from "../components/toasts.tsx";
import { ApiError, whenSignedOut } from "../lib/api.ts";
import { followLive } from "../lib/follow-live.ts";
import { forgetSession, sessionQuery } from "../lib/session.ts";
import { ErrorBoundary } from "./error-boundary.tsx";
import { Shell } from "./shell.tsx";
import { SignIn } from "./sign-in.tsx";

/** Only what may succeed the next time is asked again. */
const isWorthRetrying = (failures: number, error: unknown): boolean =>
  failures < 2 && error instanceof ApiError && (error.status === 0 || error.status === 503);

/**
 * The gateway is on this machine or in its network, whatever the browser thinks of the Internet. By default, calls would wait
 * without an end, and without a word, while the browser says that it is offline.
 */
const networkMode = "always";

const queries = new QueryClient({
  defaultOptions: {
    queries: { networkMode, retry: isWorthRetrying, staleTime: 5_000, refetchOnWindowFocus: true },
    mutations: { networkMode },
  },
});
whenSignedOut(() => forgetSession(queries));

export function App() {
  return (
    <I18nProvider i18n={i18n}>
      <QueryClientProvider client={queries}>
        <Router base="/admin">
          <ToastProvider>
            <ErrorBoundary place="" fallback={(error) => <Alone error={error} />}>
              <Gate />
            </ErrorBoundary>
          </ToastProvider>
        </Router>
      </QueryClientProvider>
    </I18nProvider>
  );
}

function Gate() {
  const { data: session, error, refetch } = useQuery(sessionQuery);
  const isSignedIn = session?.signedIn === true;
  useEffect(() => (isSignedIn ? followLive(queries) : undefined), [isSignedIn]);
  if (session === undefined)
    return error === null ? null : <Alone error={error} onRetry={() => void refetch()} />;
  return isSignedIn ? <Shell session={session} /> : <SignIn session={session} />;
}

function Alone({ error, onRetry = () => location.reload() }: { error: unknown; onRetry?: () => void }) {
  return (
    <main className="mx-auto max-w-lg p-4 pt-16">
      <ErrorNotice error={error} onRetry={onRetry} />
    </main>
  );
}
