/** What one call to a channel carries: one alert, or several that wait together. Pure. */
import { sha256Hex } from "../core/hash.ts";
import type { WaitingAlert } from "./outbox.ts";

export interface Message {
  /** The same alerts have the same id, however often they are sent. Has no full stop, which the signature separates with. */
  readonly id: string;
  /** The alerts of the message, without those that it only counts. */
  readonly alerts: readonly WaitingAlert[];
  readonly text: string;
  /** JSON: `type`, `id`, `timestamp`, `text`, `data`. */
  readonly event: string;
}

/** So many alerts that wait together are sent one by one; more of them come in one message. */
const MAX_SINGLE = 3;
/** A message is to stay below 20 kB, as Standard Webhooks advise. */
export const MAX_BATCH = 25;
/** Discord takes 2,000 characters, with those that escape. */
const MAX_CHARS = 1_500;

/**
 * The next message. `oldest` are up to `MAX_BATCH` alerts, and at least one; `more` counts those behind them by type.
 */
export function nextMessage(
  oldest: readonly WaitingAlert[],
  more: Readonly<Record<string, number>>,
): Message {
  const [first] = oldest;
  if (first === undefined) throw new TypeError("a message of no alert");
  if (oldest.length <= MAX_SINGLE)
    return { ...first, alerts: [first], text: first.message.text, event: eventOf(first) };
  const id = `alerts_${sha256Hex(oldest.map((alert) => alert.id).join()).slice(0, 26)}`;
  const count = oldest.length + Object.values(more).reduce((sum, each) => sum + each, 0);
  const text = textOf(oldest, count);
  const timestamp = (oldest.at(-1) as WaitingAlert).atMs;
  const data = `{"count":${count},"more":${JSON.stringify(more)},"alerts":[${oldest.map(eventOf).join()}]}`;
  return { id, alerts: oldest, text, event: render("alerts.batch", id, timestamp, text, data) };
}

function textOf(alerts: readonly WaitingAlert[], count: number): string {
  const lines = [`${count} alerts:`];
  let chars = 0;
  for (const { message } of alerts) {
    chars += message.text.length;
    if (chars > MAX_CHARS) break;
    lines.push(`- ${message.text}`);
  }
  const left = count - (lines.length - 1);
  return [...lines, ...(left === 0 ? [] : [`and ${left} more`])].join("\n");
}

function eventOf({ type, id, atMs, message }: WaitingAlert): string {
  return render(type, id, atMs, message.text, message.data);
}

/** `data` is JSON. The members are those of Standard Webhooks, and the text for chats. */
export function render(type: string, id: string, atMs: number, text: string, data: string): string {
  const timestamp = new Date(atMs).toISOString();
  return `${JSON.stringify({ type, id, timestamp, text }).slice(0, -1)},"data":${data}}`;
}
