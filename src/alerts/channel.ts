/** Where alerts go: the webhook of `[alerts]` and its channels, as one list. */
import type { AlertEvent } from "../config/alerts/schema-alerts.ts";
import type { AlertChannelConfig, AlertsConfig } from "../config/config.ts";

/** Holds secrets: never log one. */
export interface Channel extends Omit<AlertChannelConfig, "events"> {
  readonly events: readonly AlertEvent[];
  /** The setting that it comes from, for messages: `alerts`, or `alerts.channels[ops]`. */
  readonly setting: string;
}

/** The name of the webhook of `[alerts]`; no channel has it. */
export const WEBHOOK = "webhook";
const TELEGRAM_URL = "https://api.telegram.org";
const MAIL_PORTS = { starttls: 587, tls: 465, none: 25 } as const;

const NOTHING_ELSE = {
  token: null,
  chatId: null,
  threadId: null,
  host: null,
  port: null,
  encryption: "starttls",
  user: null,
  password: null,
  from: null,
  to: null,
} as const;

export function channelsOf(alerts: AlertsConfig): readonly Channel[] {
  const { webhook: url, secret, format, allowPrivate, events, channels } = alerts;
  const rest = channels.map((channel) => ({
    ...channel,
    events: channel.events ?? events,
    setting: `alerts.channels[${channel.name}]`,
  }));
  if (url === null) return rest;
  const given = { url, secret, format, allowPrivate, events };
  return [{ ...NOTHING_ELSE, ...given, name: WEBHOOK, kind: "webhook", setting: "alerts" }, ...rest];
}

/** The address that a channel of HTTP is at. Throws for e-mail. */
export function urlOf({ kind, url }: Channel): URL {
  return new URL(url ?? (kind === "telegram" ? TELEGRAM_URL : ""));
}

export function mailPortOf({ port, encryption }: Channel): number {
  return port ?? MAIL_PORTS[encryption];
}

/** What people may see of the address: no path, no token. */
export function receiverOf(channel: Channel): string {
  return channel.kind === "email" ? `${channel.host}:${mailPortOf(channel)}` : urlOf(channel).origin;
}

/** Whether both are the same but for the events: what one takes the other one takes. */
export function isSameReceiver(one: Channel, other: Channel): boolean {
  const bare = (channel: Channel): string => JSON.stringify({ ...channel, events: null });
  return bare(one) === bare(other);
}

/** Shorter parts of a path are words such as `services`. */
const MIN_SECRET_CHARS = 9;

/** Text of a receiver with the channel's secrets taken out, which it might give back. */
export function withoutSecrets(text: string, channel: Channel): string {
  const { url, secret, token, user, password } = channel;
  const place = url === null ? null : URL.parse(url);
  const inUrl = place === null ? [] : [place.search, ...place.pathname.split("/")];
  // As SMTP sends them.
  const inMail = password === null ? [] : [password, `\0${user}\0${password}`].map(base64Of);
  return [url, secret, token, password, ...inUrl, ...inMail]
    .filter((part): part is string => part !== null && part !== "")
    .filter((part) => part === password || part.length >= MIN_SECRET_CHARS)
    .toSorted((a, b) => b.length - a.length)
    .reduce((shown, part) => shown.replaceAll(part, "…"), text);
}

function base64Of(text: string): string {
  return Buffer.from(text).toString("base64");
}
