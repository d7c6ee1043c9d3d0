/** The settings of a key that the form has, as the configuration writes them. */
import type { Message } from "../../locales/messages.ts";

type Kind = "number" | "dollars" | "list" | "text" | "switch";

export interface KeySetting {
  readonly name: string;
  readonly title: Message;
  readonly help: Message;
  readonly kind: Kind;
  readonly placeholder: string;
}

export const KEY_SETTINGS: readonly KeySetting[] = [
  {
    name: "budget_usd_per_day",
    title: "Dollars a day",
    help: "Empty: no budget.",
    kind: "dollars",
    placeholder: "5.00",
  },
  {
    name: "budget_usd_per_week",
    title: "Dollars a week",
    help: "Empty: no budget.",
    kind: "dollars",
    placeholder: "25.00",
  },
  {
    name: "budget_usd_per_month",
    title: "Dollars a month",
    help: "Empty: no budget.",
    kind: "dollars",
    placeholder: "100.00",
  },
  {
    name: "requests_per_minute",
    title: "Requests a minute",
    help: "Empty: no limit.",
    kind: "number",
    placeholder: "60",
  },
  {
    name: "tokens_per_minute",
    title: "Tokens a minute",
    help: "Empty: no limit.",
    kind: "number",
    placeholder: "100000",
  },
  {
    name: "concurrency",
    title: "Requests at once",
    help: "Empty: no limit.",
    kind: "number",
    placeholder: "4",
  },
  {
    name: "models",
    title: "Models",
    help: "Names with commas between them; a * stands for any text. Empty: all.",
    kind: "list",
    placeholder: "claude-*, gpt-5.5",
  },
  {
    name: "upstreams",
    title: "Upstreams",
    help: "Names with commas between them. Empty: all.",
    kind: "list",
    placeholder: "anthropic",
  },
  {
    name: "addresses",
    title: "Addresses",
    help: "IP addresses and CIDRs with commas between them. Empty: all.",
    kind: "list",
    placeholder: "10.0.0.0/8",
  },
  {
    name: "expires",
    title: "Ends",
    help: "A day, until its end in UTC. Empty: never.",
    kind: "text",
    placeholder: "2027-12-31",
  },
  { name: "team", title: "Team", help: "Its budget is shared. Empty: none.", kind: "text", placeholder: "" },
  {
    name: "capture",
    title: "Capture",
    help: "Prompts and answers of its requests are kept on the disk, while capture is on in the settings.",
    kind: "switch",
    placeholder: "",
  },
];

/** A value as the form shows it. */
export function shownValue(value: unknown): string {
  if (value === undefined || value === null) return "";
  return Array.isArray(value) ? value.join(", ") : String(value);
}

function readValue(kind: Kind, typed: string): unknown {
  const text = typed.trim();
  if (text === "") return null;
  if (kind === "switch") return text === "true";
  if (kind === "list")
    return text
      .split(/[,\n]/)
      .map((one) => one.trim())
      .filter(Boolean);
  // What is no number goes as it is: the gateway says what is wrong with it.
  return kind === "number" && Number.isFinite(Number(text)) ? Number(text) : text;
}

/** Only what was changed; null takes a setting away. */
export function changedSettings(
  typed: Readonly<Record<string, string>>,
  before: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const changed: Record<string, unknown> = {};
  for (const { name, kind } of KEY_SETTINGS) {
    const text = typed[name];
    if (text === undefined || text.trim() === shownValue(before[name])) continue;
    changed[name] = readValue(kind, text);
  }
  return changed;
}
