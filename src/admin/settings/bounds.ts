/**
 * What is changed in the file by hand alone. Whoever signs in could otherwise have the gateway call what only its machine
 * or its network can reach, or send the secrets of its variables and files to a server of their own.
 */
import { isIP } from "node:net";
import { type Path, renderPath } from "../../config/problem.ts";
import { isLiteral } from "../../config/secret.ts";
import { isTree, type Tree } from "../../config/toml/toml.ts";
import { isPublicAddress } from "../../core/public-address.ts";
import { AdminError } from "../admin-error.ts";

/** Tables with `allow_private`. */
const FLAGGED = ["admin", "alerts"] as const;

/** Throws `invalid`. `allowsPrivate`: `admin.allow_private` as it is in force. */
export function refuseBeyondBounds(before: Tree, after: Tree, allowsPrivate: boolean): void {
  for (const table of FLAGGED) {
    if (allowsIn(after, table) && !allowsIn(before, table))
      throw refused([table, "allow_private"], "is set in the file alone", "write it into the file by hand");
  }
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
        "change the address in the file by hand, or give the upstream's credentials their keys here first",
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

function placesOf({ upstreams }: Tree): readonly Place[] {
  return treesIn(upstreams).map(({ base_url: text, credentials }, index) => {
    const url = typeof text === "string" ? URL.parse(text) : null;
    return {
      path: ["upstreams", index, "base_url"],
      origin: url?.origin ?? null,
      host: url?.hostname ?? "",
      references: treesIn(credentials)
        .map(({ api_key: key }) => key)
        .filter((key): key is string => typeof key === "string" && !isLiteral(key)),
    };
  });
}

function destinationsOf({ origin, references }: Place): readonly string[] {
  return references.map((reference) => `${reference} ${origin}`);
}

function treesIn(value: unknown): readonly Tree[] {
  return Array.isArray(value) ? value.filter(isTree) : [];
}

function allowsIn(root: Tree, table: string): boolean {
  const found = root[table];
  return isTree(found) && found.allow_private === true;
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
