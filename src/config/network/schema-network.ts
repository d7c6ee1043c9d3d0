/** The keys of `[network]`, and those of an upstream that say how connections to it are made. */

import * as v from "valibot";
import { isIP } from "../../core/addresses/ip-address.ts";
import { optional, rule, secret, table, text, whole, withDefault } from "../schema-rules.ts";

const MAX_WARM_CONNECTIONS = 64;

/** What is said of every `proxy`. */
const FORMS =
  "`http://`, `https://`, `socks5://` or `socks5h://` with user and password, as in `socks5h://user:password@proxy.example:1080`; `direct`; or `environment` for the proxy variables of the environment, which count nowhere else. `socks5` looks names up on this machine, the others leave that to the proxy. `env:NAME` and `file:PATH` work too, because a password is a secret";

const noProxyEntry = v.pipe(
  v.string(),
  rule(
    isNoProxyEntry,
    "is no host, address or CIDR",
    'write it as in "internal.example", which means all below it too, "10.0.0.0/8", "host.example:8080" or "*"',
  ),
);

/** Whether a text is an entry of a list of hosts that are reached without a proxy. */
export function isNoProxyEntry(entry: string): boolean {
  if (entry === "*") return true;
  const host = entry.replace(/(?<=^[^:]*|\]):\d{1,5}$/, "").replace(/^\[(.*)\]$/, "$1");
  const [address = "", bits, ...rest] = host.split("/");
  const version = isIP(address);
  if (version !== 0) {
    const isInRange =
      bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (version === 4 ? 32 : 128));
    return rest.length === 0 && isInRange;
  }
  return /^(\*?\.)?[A-Za-z0-9_]([A-Za-z0-9_.-]{0,251}[A-Za-z0-9])?$/.test(host);
}

export const network = table({
  proxy: optional(
    secret,
    "reload",
    `The way of all connections that name no other: to upstreams, webhooks, and files that clients name. ${FORMS}. Default: direct.`,
  ),
  no_proxy: withDefault(
    v.array(noProxyEntry),
    [],
    "reload",
    "Hosts that are reached past `network.proxy`: names with all below them, addresses, CIDRs, each with a port or without. An upstream's own proxy has no exceptions.",
  ),
  proxy_refuses_private: withDefault(
    v.boolean(),
    false,
    "reload",
    "The proxy itself lets nobody reach private addresses. Only then are files that clients name, and webhooks, fetched by name through a proxy that looks names up: this machine cannot check where the name leads.",
  ),
});

/** For `[[upstreams]]`. */
export const upstreamNetwork = {
  proxy: optional(secret, "reload", `The way to this upstream: ${FORMS}. Default: \`network.proxy\`.`),
  ca_file: optional(
    text,
    "reload",
    "PEM file of the authorities that are trusted in place of the public ones, for the upstream and for an `https://` proxy on the way.",
  ),
  cert_file: optional(
    text,
    "reload",
    "PEM file of the certificate that is shown to the upstream, its chain behind it. Needs `key_file`. Both files are watched.",
  ),
  key_file: optional(text, "reload", "PEM file of the private key of `cert_file`, without a passphrase."),
  min_tls_version: withDefault(
    v.picklist(["1.2", "1.3"]),
    "1.2",
    "reload",
    "The oldest version of TLS that is spoken with the upstream.",
  ),
  warm_connections: withDefault(
    whole(0, MAX_WARM_CONNECTIONS),
    0,
    "reload",
    "Connections that are kept open to the upstream before a request needs them, by each way that its credentials have. They are renewed once a minute.",
  ),
};

/** For `[[upstreams.credentials]]`. */
export const credentialProxy = optional(
  secret,
  "reload",
  `The way of all calls with this credential: ${FORMS}. Default: the upstream's.`,
);
