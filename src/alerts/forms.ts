/**
 * How each kind of chat wants a text, and how it answers. The texts hold names that clients choose: no form lets them
 * mention people, or look like more than text. Pure.
 */
import { hmacSha256 } from "../core/hash.ts";
import { type Channel, urlOf } from "./channel.ts";
import type { Call } from "./delivery.ts";

export interface Post {
  readonly target: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** What the body of a reply says. */
export interface Said {
  /** null: its status decides. */
  readonly isTaken: boolean | null;
  /** null: it names no time. */
  readonly retryAfterS: number | null;
}

interface Form {
  readonly post: (channel: Channel, call: Call, nowMs: number) => Post;
  /** Absent: a status of success is enough, and the body says nothing. */
  readonly said?: (body: string) => Said;
}

/** By the kind of a channel that takes HTTP. */
export const FORMS: Readonly<Record<Exclude<Channel["kind"], "email">, Form>> = {
  webhook: {
    post: (channel, { id, text, event }, nowMs) => {
      const body = Buffer.from(channel.format === "chat" ? JSON.stringify({ text }) : event);
      const headers = signedHeaders(id, Math.floor(nowMs / 1_000), body, channel.secret);
      return { target: urlOf(channel), headers, body };
    },
  },
  slack: {
    // https://docs.slack.dev/messaging/formatting-message-text: three signs are escaped, and without mrkdwn no other
    // one has a meaning. A link would be fetched and shown.
    post: (channel, { text }) =>
      jsonPost(urlOf(channel), {
        text: escaped(text, MAX_SLACK_CHARS, (char) => SLACK_SIGNS[char] ?? char),
        mrkdwn: false,
        unfurl_links: false,
        unfurl_media: false,
      }),
  },
  discord: {
    // https://docs.discord.com/developers/resources/webhook#execute-webhook
    post: (channel, { text }) =>
      jsonPost(urlOf(channel), {
        content: escaped(text, MAX_DISCORD_CHARS, (char) => (DISCORD_SIGNS.has(char) ? `\\${char}` : char)),
        allowed_mentions: { parse: [] },
        flags: SUPPRESS_EMBEDS,
      }),
    said: (body) => ({ isTaken: null, retryAfterS: secondsOf(readJson(body)?.retry_after) }),
  },
  telegram: {
    // https://core.telegram.org/bots/api#sendmessage: without parse_mode the text is text.
    post: (channel, { text }) => {
      const target = urlOf(channel);
      target.pathname = `${target.pathname.replace(/(?<!\/)\/+$/, "")}/bot${channel.token}/sendMessage`;
      return jsonPost(target, {
        chat_id: channel.chatId,
        ...(channel.threadId === null ? {} : { message_thread_id: channel.threadId }),
        text: escaped(text, MAX_TELEGRAM_CHARS, (char) => char),
        link_preview_options: { is_disabled: true },
      });
    },
    said: (body) => {
      const reply = readJson(body);
      const parameters = reply?.parameters as Record<string, unknown> | null | undefined;
      return { isTaken: reply?.ok === true, retryAfterS: secondsOf(parameters?.retry_after) };
    },
  },
};

/** Slack cuts a text at 40,000 characters, and advises 4,000. */
const MAX_SLACK_CHARS = 4_000;
const MAX_DISCORD_CHARS = 2_000;
const MAX_TELEGRAM_CHARS = 4_096;
const SUPPRESS_EMBEDS = 4;
const SLACK_SIGNS: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;" };
const DISCORD_SIGNS: ReadonlySet<string> = new Set("\\*_~`|<>[]()#@:");

/** The text with each sign escaped; one that gets too long ends in `…`. Lengths are in UTF-16 units, as chats count. */
function escaped(text: string, maxChars: number, sign: (char: string) => string): string {
  const pieces = [...text].map(sign);
  if (pieces.reduce((sum, piece) => sum + piece.length, 0) <= maxChars) return pieces.join("");
  let left = maxChars - 1;
  const end = pieces.findIndex((piece) => {
    left -= piece.length;
    return left < 0;
  });
  return `${pieces.slice(0, end).join("")}…`;
}

function jsonPost(target: URL, body: object): Post {
  return { target, headers: {}, body: Buffer.from(JSON.stringify(body)) };
}

/** null: it is no JSON object. */
function readJson(text: string): Readonly<Record<string, unknown>> | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}

function secondsOf(value: unknown): number | null {
  return typeof value === "number" && value >= 0 ? value : null;
}

/** The headers of Standard Webhooks 1.0.0; `secret` is `whsec_` and base64. */
export function signedHeaders(
  id: string,
  timestampS: number,
  body: Uint8Array,
  secret: string | null,
): Readonly<Record<string, string>> {
  const headers = { "webhook-id": id, "webhook-timestamp": String(timestampS) };
  if (secret === null) return headers;
  const key = Buffer.from(secret.slice("whsec_".length), "base64");
  const signature = hmacSha256(key).update(`${id}.${timestampS}.`).update(body).digest("base64");
  return { ...headers, "webhook-signature": `v1,${signature}` };
}
