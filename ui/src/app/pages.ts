/** The pages: their paths, names, pictures, keys and code, which is loaded when a page is opened. */
import {
  Activity,
  Boxes,
  Gauge,
  KeyRound,
  type LucideIcon,
  MessagesSquare,
  Network,
  Rocket,
  Settings as SettingsIcon,
} from "lucide-react";
import { type ComponentType, lazy } from "react";
import { loadCode } from "../lib/load-code.ts";
import type { Message } from "../locales/messages.ts";

export interface PageEntry {
  readonly path: string;
  readonly title: Message;
  readonly icon: LucideIcon;
  /** After `g`. */
  readonly key: string;
  readonly Page: ComponentType;
  /** Not in the bars: it is found by the palette, its keys, and where it is needed. */
  readonly isAside?: boolean;
}

const load = (read: () => Promise<ComponentType>): ComponentType =>
  lazy(async () => ({ default: await loadCode(read) }));

export const PAGES: readonly PageEntry[] = [
  {
    path: "/",
    title: "Overview",
    icon: Gauge,
    key: "o",
    Page: load(async () => (await import("../features/overview/overview-page.tsx")).OverviewPage),
  },
  {
    path: "/pool",
    title: "Pool",
    icon: Network,
    key: "p",
    Page: load(async () => (await import("../features/pool/pool-page.tsx")).PoolPage),
  },
  {
    path: "/requests",
    title: "Requests",
    icon: Activity,
    key: "r",
    Page: load(async () => (await import("../features/requests/requests-page.tsx")).RequestsPage),
  },
  {
    path: "/keys",
    title: "Keys",
    icon: KeyRound,
    key: "k",
    Page: load(async () => (await import("../features/keys/keys-page.tsx")).KeysPage),
  },
  {
    path: "/models",
    title: "Models",
    icon: Boxes,
    key: "m",
    Page: load(async () => (await import("../features/models/models-page.tsx")).ModelsPage),
  },
  {
    path: "/playground",
    title: "Playground",
    icon: MessagesSquare,
    key: "y",
    Page: load(async () => (await import("../features/playground/playground-page.tsx")).PlaygroundPage),
  },
  {
    path: "/settings",
    title: "Settings",
    icon: SettingsIcon,
    key: "s",
    Page: load(async () => (await import("../features/settings/settings-page.tsx")).SettingsPage),
  },
  {
    path: "/start",
    title: "First steps",
    icon: Rocket,
    key: "f",
    isAside: true,
    Page: load(async () => (await import("../features/first-run/first-run-page.tsx")).FirstRunPage),
  },
];

/** Those in the bars. */
export const BAR_PAGES = PAGES.filter(({ isAside }) => isAside !== true);
