import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Ellipsis, LogOut, Search } from "lucide-react";
import { lazy, Suspense, useEffect, useState } from "react";
import { Link, Route, Switch, useLocation } from "wouter";
import { IconButton } from "../components/button.tsx";
import { Menu } from "../components/menu.tsx";
import { Empty, ErrorNotice, Loading } from "../components/notice.tsx";
import { call } from "../lib/api.ts";
import { HEALTH_KEY, type Health } from "../lib/follow-live.ts";
import { forgetSession, type Session } from "../lib/session.ts";
import { useText } from "../lib/text.ts";
import { ConnectionBanner } from "./connection-banner.tsx";
import { ErrorBoundary } from "./error-boundary.tsx";
import { Logo } from "./logo.tsx";
import { BAR_PAGES, PAGES, type PageEntry } from "./pages.ts";
import { Preferences } from "./preferences.tsx";
import { useShortcuts } from "./shortcuts.ts";

const Palette = lazy(async () => ({ default: (await import("./palette.tsx")).Palette }));
const ShortcutHelp = lazy(async () => ({ default: (await import("./shortcut-help.tsx")).ShortcutHelp }));

/** What stands around every page: navigation, tools, and what is open above the page. */
export function Shell({ session }: { session: Session }) {
  const text = useText();
  const [above, setAbove] = useState<"palette" | "help" | null>(null);
  useShortcuts({ onPalette: () => setAbove("palette"), onHelp: () => setAbove("help") });
  const close = (): void => setAbove(null);
  return (
    <div className="min-h-dvh md:pl-[208px]">
      <a
        href="#content"
        className="fixed top-2 left-2 z-60 -translate-y-16 rounded-[7px] bg-accent px-3 py-2 text-on-accent focus:translate-y-0"
      >
        {text("Skip to the content")}
      </a>
      <SideBar version={session.version} onPalette={() => setAbove("palette")} />
      <TopBar onPalette={() => setAbove("palette")} />
      <ConnectionBanner />
      <main id="content" tabIndex={-1} className="pb-20 outline-none md:pb-8">
        <Pages />
      </main>
      <BottomBar />
      <Suspense>
        {above === "palette" && <Palette onClose={close} />}
        {above === "help" && <ShortcutHelp onClose={close} />}
      </Suspense>
    </div>
  );
}

function Pages() {
  const text = useText();
  const [place] = useLocation();
  const [, first = ""] = place.split("/");
  // biome-ignore lint/correctness/useExhaustiveDependencies: another page begins at its top
  useEffect(() => void scrollTo(0, 0), [first]);
  return (
    <ErrorBoundary
      place={first}
      // What could not be loaded is loaded by a new start alone.
      fallback={(error) => (
        <div className="mx-auto max-w-xl p-4 pt-10">
          <ErrorNotice error={error} onRetry={() => location.reload()} />
        </div>
      )}
    >
      <Suspense
        fallback={
          <div className="p-6">
            <Loading rows={6} height={64} />
          </div>
        }
      >
        <Switch>
          {PAGES.map(({ path, Page }) => (
            <Route key={path} path={path === "/" ? "/" : `${path}/*?`}>
              <Page />
            </Route>
          ))}
          <Route>
            <Empty title={text("There is no such page")}>
              <Link href="/" className="text-accent underline">
                {text("Overview")}
              </Link>
            </Empty>
          </Route>
        </Switch>
      </Suspense>
    </ErrorBoundary>
  );
}

function useIsHere(): (path: string) => boolean {
  const [place] = useLocation();
  return (path) => (path === "/" ? place === "/" : place === path || place.startsWith(`${path}/`));
}

function SideBar({ version, onPalette }: { version: string | null; onPalette: () => void }) {
  const text = useText();
  const isHere = useIsHere();
  return (
    <aside className="fixed inset-y-0 left-0 z-20 hidden w-[208px] flex-col border-r border-line bg-surface px-3 py-4 md:flex">
      <div className="flex items-center gap-2 px-2 pb-4">
        <Logo />
        <span className="text-[16px] font-semibold">Clewline</span>
      </div>
      <button
        type="button"
        onClick={onPalette}
        className="mb-3 flex h-[34px] items-center gap-2 rounded-[7px] border border-line bg-sunken px-2 text-muted hover:text-ink"
      >
        <Search size={15} aria-hidden />
        <span className="flex-1 text-left">{text("Go to…")}</span>
        <kbd className="font-sans text-[12px]">{/Mac|iP/.test(navigator.userAgent) ? "⌘K" : "Ctrl K"}</kbd>
      </button>
      <nav aria-label={text("Pages")} className="flex flex-1 flex-col gap-0.5">
        {BAR_PAGES.map((page) => (
          <NavLink key={page.path} page={page} isHere={isHere(page.path)} />
        ))}
      </nav>
      <div className="flex items-center">
        <Preferences />
        <SignOut />
      </div>
      <HealthLine version={version} />
    </aside>
  );
}

/** What the gateway does now. */
function HealthLine({ version }: { version: string | null }) {
  const text = useText();
  const { data: health } = useQuery<Health>({ queryKey: HEALTH_KEY, enabled: false });
  return (
    <div className="tabular px-2 pt-1 text-[12.5px] text-muted">
      {health !== undefined && (
        <p>
          {text("{running} running, {waiting} waiting", {
            running: health.inFlight,
            waiting: health.waiting,
          })}
        </p>
      )}
      {health !== undefined && !health.isReady && (
        <p className="font-medium text-warn">
          {health.isDraining ? text("Shutting down") : text("Not ready")}
        </p>
      )}
      {version !== null && <p>v{version}</p>}
    </div>
  );
}

function NavLink({ page: { path, title, icon: Icon }, isHere }: { page: PageEntry; isHere: boolean }) {
  const text = useText();
  return (
    <Link
      href={path}
      aria-current={isHere ? "page" : undefined}
      className={`flex h-9 items-center gap-2.5 rounded-[7px] px-2 font-medium ${isHere ? "bg-accent-soft text-accent" : "text-muted hover:bg-hover hover:text-ink"}`}
    >
      <Icon size={17} aria-hidden />
      {text(title)}
    </Link>
  );
}

function TopBar({ onPalette }: { onPalette: () => void }) {
  const text = useText();
  return (
    <header className="sticky top-0 z-20 flex h-12 items-center gap-1 border-b border-line bg-surface px-2 md:hidden">
      <Logo />
      <span className="flex-1 pl-1 font-semibold">Clewline</span>
      <IconButton label={text("Go to…")} onClick={onPalette}>
        <Search size={18} aria-hidden />
      </IconButton>
      <Preferences />
      <SignOut />
    </header>
  );
}

/** Pages of which the narrow bar has no room are in its menu. */
const IN_BAR = 4;
const BAR_ITEM = "flex h-14 flex-1 flex-col items-center justify-center gap-0.5 text-[12px] font-medium";

function BottomBar() {
  const text = useText();
  const isHere = useIsHere();
  const [, go] = useLocation();
  const rest = BAR_PAGES.slice(IN_BAR);
  const isInRest = rest.some(({ path }) => isHere(path));
  return (
    <nav
      aria-label={text("Pages")}
      className="fixed inset-x-0 bottom-0 z-20 flex border-t border-line bg-surface pb-[env(safe-area-inset-bottom)] md:hidden"
    >
      {BAR_PAGES.slice(0, IN_BAR).map(({ path, title, icon: Icon }) => (
        <Link
          key={path}
          href={path}
          aria-current={isHere(path) ? "page" : undefined}
          className={`${BAR_ITEM} ${isHere(path) ? "text-accent" : "text-muted"}`}
        >
          <Icon size={19} aria-hidden />
          {text(title)}
        </Link>
      ))}
      <Menu
        trigger={
          <button type="button" className={`${BAR_ITEM} ${isInRest ? "text-accent" : "text-muted"}`}>
            <Ellipsis size={19} aria-hidden />
            {text("More")}
          </button>
        }
        groups={[
          {
            items: rest.map(({ path, title, icon: Icon }) => ({
              label: text(title),
              icon: <Icon size={16} aria-hidden />,
              isChosen: isHere(path),
              run: () => go(path),
            })),
          },
        ]}
      />
    </nav>
  );
}

function SignOut() {
  const text = useText();
  const queries = useQueryClient();
  const { mutate, isPending } = useMutation({
    mutationFn: () => call("signOut", {}),
    onSettled: () => forgetSession(queries),
  });
  return (
    <IconButton label={text("Sign out")} disabled={isPending} onClick={() => mutate()}>
      <LogOut size={17} aria-hidden />
    </IconButton>
  );
}
