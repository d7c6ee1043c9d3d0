/** From the file to the way of each connection: proxies, certificates and their keys. */
import { sha256Hex } from "../../core/hash.ts";
import { findCertificateFault, readPem } from "../certificate.ts";
import type { Draft } from "../draft.ts";
import type { Env } from "../environment.ts";
import { resolvePath } from "../folders.ts";
import type { Path } from "../problem.ts";
import { isTree } from "../toml/toml.ts";
import { environmentProxies } from "./environment-proxies.ts";
import { DIRECT, parseProxy, type TlsSettings, type Via } from "./via.ts";

/** The ways of a configuration, in the order of the file. */
export interface Vias {
  /** For what is no upstream. */
  readonly network: Via;
  readonly upstreams: readonly UpstreamVia[];
}

export interface UpstreamVia {
  readonly via: Via;
  readonly credentials: readonly Via[];
}

type Proxies = Pick<Via, "httpProxy" | "httpsProxy" | "noProxy">;

const NO_PROXIES: Proxies = DIRECT;

export interface ResolveOptions {
  readonly draft: Draft;
  /** By path in the file, as in `network.proxy`. */
  readonly secrets: ReadonlyMap<string, string>;
  readonly env: Env;
  /** The folder that paths in the file are relative to. */
  readonly baseDir: string;
}

/** Adds a problem for each proxy and each file that cannot be used; the way is then direct, and nobody takes it. */
export async function resolveVias({ draft, secrets, env, baseDir }: ResolveOptions): Promise<Vias> {
  const proxiesAt = (path: Path): Proxies | null => proxiesOf(draft, [...path, "proxy"], secrets, env);
  const common = commonProxies({ draft, secrets, env });
  const upstreams: UpstreamVia[] = [];
  for (const { table, path } of draft.tables(["upstreams"])) {
    const proxies = proxiesAt(path) ?? common;
    const tls = await tlsAt(draft, path, env, baseDir);
    const warm = typeof table.warm_connections === "number" ? table.warm_connections : 0;
    const credentials = draft
      .tables([...path, "credentials"])
      .map((credential) => makeVia(proxiesAt(credential.path) ?? proxies, tls, warm));
    upstreams.push({ via: makeVia(proxies, tls, warm), credentials });
  }
  return { network: makeVia(common, null, 0), upstreams };
}

/** Every way is direct: for tools that connect to nobody. */
export function directVias(draft: Draft): Vias {
  const upstreams = draft.tables(["upstreams"]).map(({ path }) => ({
    via: DIRECT,
    credentials: draft.tables([...path, "credentials"]).map(() => DIRECT),
  }));
  return { network: DIRECT, upstreams };
}

/** The way of what is no upstream. Adds a problem when the proxy cannot be used. */
export function networkVia(options: Omit<ResolveOptions, "baseDir">): Via {
  return makeVia(commonProxies(options), null, 0);
}

/** A list of another type has a problem already. */
function commonProxies({ draft, secrets, env }: Omit<ResolveOptions, "baseDir">): Proxies {
  const proxies = proxiesOf(draft, ["network", "proxy"], secrets, env) ?? NO_PROXIES;
  const listed = draft.get(["network", "no_proxy"]);
  const entries = Array.isArray(listed) ? listed.filter((entry) => typeof entry === "string") : [];
  return { ...proxies, noProxy: [...proxies.noProxy, ...entries] };
}

/** null: the file does not name any. */
function proxiesOf(draft: Draft, path: Path, secrets: ReadonlyMap<string, string>, env: Env): Proxies | null {
  const text = secrets.get(path.join("."));
  if (text === undefined) return null;
  if (text === "direct") return NO_PROXIES;
  if (text === "environment") {
    const found = environmentProxies(env);
    if (!("message" in found)) return found;
    draft.refuse(path, found.message, found.repair);
    return NO_PROXIES;
  }
  const proxy = parseProxy(text);
  if (!("message" in proxy)) return { httpProxy: proxy, httpsProxy: proxy, noProxy: [] };
  draft.refuse(path, proxy.message, proxy.repair);
  return NO_PROXIES;
}

async function tlsAt(draft: Draft, path: Path, env: Env, baseDir: string): Promise<TlsSettings | null> {
  const table = draft.get(path);
  if (!isTree(table)) return null;
  const read = async (key: string): Promise<string | null> => {
    const written = table[key];
    if (typeof written !== "string" || written.trim() === "") return null;
    return readPem(draft, [...path, key], resolvePath(written, baseDir, env));
  };
  const [ca, cert, key] = [await read("ca_file"), await read("cert_file"), await read("key_file")];
  if (ca !== null && ca !== "" && !/-----BEGIN (TRUSTED )?CERTIFICATE-----/.test(ca)) {
    draft.refuse(
      [...path, "ca_file"],
      "holds no certificate",
      "name a PEM file with the certificates of authorities",
    );
  }
  if ((cert === null) !== (key === null)) {
    const [has, lacks] = cert === null ? ["key_file", "cert_file"] : ["cert_file", "key_file"];
    draft.refuse([...path, has], `is of no use without ${lacks}`, `add ${lacks}, or remove the line`);
  }
  const client = cert === null || key === null ? null : { cert, key };
  if (client !== null && cert !== "" && key !== "") {
    const fault = await findCertificateFault(client, [...path, "cert_file"], [...path, "key_file"]);
    if (fault !== null) draft.refuse(fault.path, fault.message, fault.repair);
  }
  const minVersion = table.min_tls_version === "1.3" ? "1.3" : "1.2";
  return ca === null && client === null && minVersion === "1.2" ? null : { ca, client, minVersion };
}

function makeVia(proxies: Proxies, tls: TlsSettings | null, warmConnections: number): Via {
  const { httpProxy, httpsProxy, noProxy } = proxies;
  const isDirect = httpProxy === null && httpsProxy === null && tls === null;
  if (isDirect && warmConnections === 0) return DIRECT;
  // Ways that differ in a password must not share connections.
  const text = JSON.stringify([httpProxy, httpsProxy, noProxy, tls]);
  const key = isDirect ? "" : sha256Hex(text).slice(0, 16);
  return { key, httpProxy, httpsProxy, noProxy, tls, warmConnections };
}
