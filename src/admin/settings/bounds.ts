/**
 * What is changed in the file by hand alone. Whoever signs in could otherwise have the gateway call what only its machine
 * or its network can reach, or send the secrets of its variables and files to a server of their own.
 */

import { type Path, renderPath } from "../../config/problem.ts";
import { isLiteral } from "../../config/secret.ts";
import { isTree, type Tree } from "../../config/toml/toml.ts";
import { isIP } from "../../core/addresses/ip-address.ts";
import { isPublicAddress } from "../../core/addresses/public-address.ts";
import { AdminError } from "../admin-error.ts";
import { refuseNetworkBeyondBounds } from "./network-bounds.ts";

/** Tables with `allow_private`; so has each channel of alerts. */
const FLAGGED = ["admin", "alerts"] as const;
const FLAG = "allow_private";

/** Throws `invalid`. `allowsPrivate`: `admin.allow_private` as it is in force. */
export function refuseBeyondBounds(before: Tree, after: Tree, allowsPrivate: boolean): void {
  for (const table of FLAGGED) {
    if (allowsIn(after[table]) && !allowsIn(before[table])) throw setInFile([table, FLAG]);
  }
  const allowed = new Set(channelsIn(before).filter(allowsIn).map(receiverOf));
  for (const [index, channel] of channelsIn(after).entries()) {
    if (!allowsPrivate && allowsIn(channel) && !allowed.has(receiverOf(channel)))
      throw setInFile(["alerts", "channels", index, FLAG]);
  }
  if (mayRunPrograms(after) && !mayRunPrograms(before))
    throw refused(
      ["server", "allow_credential_programs"],
      "is set in the file alone",
      "write it into the file by hand",
    );
  refuseNetworkBeyondBounds(before, after, allowsPrivate, isPrivateHost);
  const known = placesOf(before);
  const origins = new Set(known.map(({ origin }) => origin));
  const sent = new Set(known.flatMap(destinationsOf));
  for (const place of placesOf(after)) {
    const { path, origin, host } = place;
    if (origin === null) continue;
    if (!allowsPrivate && !origins.has(origin) && isPrivateHost(host))
      throw refused(
        path,
        "leads to no public address",
        "write it into the file by hand, or set admin.allow_private = true there",
      );
    if (destinationsOf(place).some((one) => !sent.has(one)))
      throw refused(
        path,
        "would get a secret that is in a variable or a file of its own",
        "change the address in the file by hand, or give the secret itself here first",
      );
  }
}

interface Place {
  readonly path: Path;
  /** Of `base_url`; null: there is none that can be called, so the provider's own server is. */
  readonly origin: string | null;
  readonly host: string;
  /** The references to secrets, as in `env:NAME`. */
  readonly references: readonly string[];
}

function placesOf(root: Tree): readonly Place[] {
  return [...upstreamPlaces(root), ...channelPlaces(root)];
}

function upstreamPlaces({ upstreams }: Tree): readonly Place[] {
  return treesIn(upstreams).map(({ base_url: text, credentials, headers, query }, index) => {
    const url = typeof text === "string" ? URL.parse(text) : null;
    return {
      path: ["upstreams", index, "base_url"],
      origin: url?.origin ?? null,
      host: url?.hostname ?? "",
      references: referencesIn([
        ...treesIn(credentials).map(({ api_key: key }) => key),
        ...[headers, query].flatMap((list) => treesIn(list).map(({ value }) => value)),
      ]),
    };
  });
}

/** Where a channel sends a secret that is not its address. The channels' own rules tell private addresses. */
function channelPlaces(root: Tree): readonly Place[] {
  return channelsIn(root).map((channel, index) => ({
    path: ["alerts", "channels", index, channel.host === undefined ? "url" : "host"],
    origin: receiverOf(channel),
    host: "a.public.name",
    references: referencesIn([channel.token, channel.password]),
  }));
}

/** Where a channel leads, as far as it tells. */
function receiverOf({ url, host, port, encryption }: Tree): string {
  const place = typeof url === "string" ? (URL.parse(url)?.origin ?? url) : null;
  return JSON.stringify([place, host ?? null, port ?? null, encryption ?? null]);
}

function channelsIn({ alerts }: Tree): readonly Tree[] {
  return isTree(alerts) ? treesIn(alerts.channels) : [];
}

function referencesIn(values: readonly unknown[]): readonly string[] {
  return values.filter((value): value is string => typeof value === "string" && !isLiteral(value));
}

function destinationsOf({ origin, references }: Place): readonly string[] {
  return references.map((reference) => `${reference} ${origin}`);
}

function treesIn(value: unknown): readonly Tree[] {
  return Array.isArray(value) ? value.filter(isTree) : [];
}

function allowsIn(table: unknown): boolean {
  return isTree(table) && table[FLAG] === true;
}

function setInFile(path: Path): AdminError {
  return refused(path, "is set in the file alone", "write it into the file by hand");
}

function mayRunPrograms({ server }: Tree): boolean {
  return isTree(server) && server.allow_credential_programs === true;
}

/** As far as the text alone tells. `URL` has written an address in one form, whichever it had. */
function isPrivateHost(hostname: string): boolean {
  const host = hostname.replace(/^\[|\]$/g, "").replace(/\.$/, "");
  if (isIP(host) !== 0) return !isPublicAddress(host);
  return !host.includes(".") || /\.(?:localhost|local|internal|lan|home\.arpa)$/.test(host);
}

function refused(path: Path, message: string, repair: string): AdminError {
  return new AdminError("invalid", message, { path: renderPath(path), repair });
}
