/** The keys of `[alerts]`. */
import * as v from "valibot";
import {
  hostName,
  optional,
  required,
  rule,
  secret,
  secretNote,
  table,
  text,
  whole,
  withDefault,
} from "../schema-rules.ts";

/** What an alert can be about; docs/alerts.md describes each. */
export const ALERT_EVENTS = [
  "budget.low",
  "budget.empty",
  "credential.needs_person",
  "credentials.unavailable",
  "model.unpriced",
  "ledger.unwritable",
  "disk.low",
  "config.rejected",
] as const;

export type AlertEvent = (typeof ALERT_EVENTS)[number];

/** How a channel speaks; docs/alerts.md describes each. */
const CHANNEL_KINDS = ["webhook", "slack", "discord", "telegram", "email"] as const;

export type ChannelKind = (typeof CHANNEL_KINDS)[number];

/** The keys of a channel that are secrets. */
export const CHANNEL_SECRETS = ["url", "secret", "token", "password"] as const;

const MAX_DISK_BYTES = 1_099_511_627_776;
const MAX_RECEIVERS = 50;

const channelName = v.pipe(
  v.string(),
  rule(
    (value) => /^[a-z0-9][a-z0-9._-]{0,63}$/.test(value),
    "is not a name for a channel",
    "use 1 to 64 of a-z, 0-9, dot, _ and -, beginning with a letter or digit",
  ),
);

/** The address of a mailbox, without a name beside it. */
const mailbox = v.pipe(
  v.string(),
  rule(
    (value) => value.length <= 254 && /^[^\s\p{C}<>()[\]\\,;:@"]{1,64}@[A-Za-z0-9.-]+$/u.test(value),
    "is not an e-mail address",
    'write the address alone, as in "ops@example.com"',
  ),
);

const chatId = v.pipe(
  v.string(),
  rule(
    (value) => /^(-?\d{1,20}|@[A-Za-z]\w{3,31})$/.test(value),
    "is not the id of a chat",
    'write the value as in "-1001234567890", or "@channelname"',
  ),
);

const format = withDefault(
  v.picklist(["event", "chat"]),
  "event",
  "reload",
  "`event` sends JSON with type, id, timestamp, text and data. `chat` sends the text alone, because some chats refuse other members.",
);

const signingNote = `Signs each call as Standard Webhooks do, with the header \`webhook-signature\`: ${secretNote}. It is \`whsec_\` and the base64 of 24 to 64 random bytes.`;

const channel = v.object({
  name: required(channelName, "reload", "Name of the channel. Unique."),
  kind: required(
    v.picklist(CHANNEL_KINDS),
    "reload",
    "What the channel is. It decides which of the keys below it needs.",
  ),
  events: optional(
    v.array(v.picklist(ALERT_EVENTS)),
    "reload",
    "The events to tell this channel. Default: `events` of `[alerts]`.",
  ),
  allow_private: withDefault(
    v.boolean(),
    false,
    "reload",
    "Let the channel lead to an address that is not public, such as this machine or a private network, and there be without encryption.",
  ),
  url: optional(
    secret,
    "reload",
    `Webhook, Slack, Discord: the https address that the chat gave out: ${secretNote}. Who knows it can write there. Telegram: a Bot API server of your own; default: Telegram's.`,
  ),
  secret: optional(secret, "reload", `Webhook only. ${signingNote}`),
  format,
  token: optional(secret, "reload", `Telegram: the bot's token, as BotFather gave it out: ${secretNote}.`),
  chat_id: optional(
    chatId,
    "reload",
    'Telegram: the chat that the bot writes to, as text: `"-1001234567890"` or `"@channelname"`.',
  ),
  thread_id: optional(
    whole(1, Number.MAX_SAFE_INTEGER),
    "reload",
    "Telegram: the topic in a group that has topics.",
  ),
  host: optional(hostName, "reload", "E-mail: the SMTP server that takes your mail."),
  port: optional(
    whole(1, 65_535),
    "reload",
    "E-mail: the server's port. Default: 587 with `starttls`, 465 with `tls`, 25 with `none`.",
  ),
  encryption: withDefault(
    v.picklist(["starttls", "tls", "none"]),
    "starttls",
    "reload",
    "E-mail: `starttls` begins in plain text and must become TLS before anything is sent; `tls` is TLS from the start; `none` is for a server on this machine or a private network, with `allow_private`, and without a password.",
  ),
  user: optional(text, "reload", "E-mail: the user, where the server wants one. Needs `password`."),
  password: optional(secret, "reload", `E-mail: the user's password: ${secretNote}.`),
  from: optional(mailbox, "reload", "E-mail: the address of the sender."),
  to: optional(
    v.pipe(
      v.array(mailbox),
      v.minLength(1, "is empty\nname at least one address"),
      v.maxLength(MAX_RECEIVERS, `has more than ${MAX_RECEIVERS} addresses\nuse a mailing list`),
    ),
    "reload",
    "E-mail: the addresses of the receivers.",
  ),
});

export const alerts = table({
  webhook: optional(
    secret,
    "reload",
    `Address that gets a POST for each event, of https: ${secretNote}. A chat's address is a secret: who knows it can write there. Further receivers are \`[[alerts.channels]]\`; without any there are no alerts.`,
  ),
  secret: optional(secret, "reload", signingNote),
  format,
  events: withDefault(v.array(v.picklist(ALERT_EVENTS)), [...ALERT_EVENTS], "reload", "The events to tell."),
  allow_private: withDefault(
    v.boolean(),
    false,
    "reload",
    "Let `webhook` lead to an address that is not public, such as this machine or a private network, and be of http.",
  ),
  disk_free_bytes: withDefault(
    whole(0, MAX_DISK_BYTES),
    1_073_741_824,
    "reload",
    "`disk.low` is told when the disk of the data folder has less free space, and again only after a quarter more was free. 0: never.",
  ),
  channels: v.optional(v.array(channel), []),
});
