/** Rules for `[[alerts.channels]]`: which keys a kind needs and takes, and where it may lead. */
import type { Draft } from "../draft.ts";
import type { Path } from "../problem.ts";
import type { Tree } from "../toml/toml.ts";
import { checkSigningSecret, checkUrl, isPrivateHost, refusePrivate } from "./receiver-address.ts";
import type { ChannelKind } from "./schema-alerts.ts";

const KEYS: Readonly<
  Record<ChannelKind, { readonly needs: readonly string[]; readonly takes: readonly string[] }>
> = {
  webhook: { needs: ["url"], takes: ["secret", "format"] },
  slack: { needs: ["url"], takes: [] },
  discord: { needs: ["url"], takes: [] },
  telegram: { needs: ["token", "chat_id"], takes: ["url", "thread_id"] },
  email: { needs: ["host", "from", "to"], takes: ["port", "encryption", "user", "password"] },
};
/** The webhook of `[alerts]` itself has this name. */
const RESERVED = "webhook";

/** Adds a problem for each broken rule. `secrets` are by path, as in `alerts.channels.0.url`. */
export function checkChannels(draft: Draft, secrets: ReadonlyMap<string, string>): void {
  for (const { table, path } of draft.tables(["alerts", "channels"])) {
    if (table.name === RESERVED) {
      draft.refuse([...path, "name"], "is the name of alerts.webhook", "give the channel another name");
    }
    const { kind } = table;
    // The schema has told a kind that there is not.
    if (typeof kind !== "string" || !Object.hasOwn(KEYS, kind)) continue;
    checkKeys(draft, path, table, kind as ChannelKind);
    checkPlace(draft, path, table, kind as ChannelKind, (name) => secrets.get([...path, name].join(".")));
  }
}

function checkKeys(draft: Draft, path: Path, table: Tree, kind: ChannelKind): void {
  const { needs, takes } = KEYS[kind];
  for (const name of needs) {
    if (table[name] === undefined) draft.refuse(path, `has no ${name}`, `add the line ${name} = …`);
  }
  for (const name of Object.keys(table)) {
    const isOfAnother = Object.values(KEYS).some((other) => [...other.needs, ...other.takes].includes(name));
    if (!isOfAnother || [...needs, ...takes].includes(name)) continue;
    draft.refuse([...path, name], `has no effect with kind = "${kind}"`, "remove the line");
  }
}

function checkPlace(
  draft: Draft,
  path: Path,
  table: Tree,
  kind: ChannelKind,
  secretOf: (name: string) => string | undefined,
): void {
  const url = secretOf("url");
  if (url !== undefined && kind !== "email")
    checkUrl(draft, [...path, "url"], url, [...path, "allow_private"], "the channel's allow_private");
  const secret = secretOf("secret");
  if (secret !== undefined && kind === "webhook") checkSigningSecret(draft, [...path, "secret"], secret);
  const token = secretOf("token");
  if (token !== undefined && kind === "telegram" && !/^\d{3,20}:[A-Za-z0-9_-]{20,100}$/.test(token))
    draft.refuse(
      [...path, "token"],
      "is not the token of a bot",
      "copy it from BotFather: digits, a colon and some 35 letters and digits",
    );
  if (kind === "email") checkMail(draft, path, table);
}

function checkMail(draft: Draft, path: Path, table: Tree): void {
  const { host, encryption, user, password, allow_private: allowsPrivate } = table;
  if (typeof host === "string" && allowsPrivate !== true && isPrivateHost(host))
    refusePrivate(draft, [...path, "host"], "the channel's allow_private");
  if (encryption === "none" && allowsPrivate !== true)
    draft.refuse(
      [...path, "encryption"],
      "lets anybody on the way read and change the alerts",
      'use "starttls" or "tls"; for a server on this machine or your own network set the channel\'s allow_private = true',
    );
  if (encryption === "none" && password !== undefined)
    draft.refuse(
      [...path, "password"],
      "would be sent in plain text",
      'use encryption = "starttls" or "tls", or remove user and password',
    );
  if ((user === undefined) !== (password === undefined))
    draft.refuse(
      [...path, user === undefined ? "password" : "user"],
      `has no effect without ${user === undefined ? "user" : "password"}`,
      "write both, or neither",
    );
}
