/**
 * What of the ways to upstreams is changed in the file by hand alone. A proxy is a place that the gateway connects to, and
 * one that reads what goes to an upstream of plain HTTP; authorities of one's own make it read all the rest.
 */
import { parseProxy } from "../../config/network/via.ts";
import { type Path, renderPath } from "../../config/problem.ts";
import { isLiteral } from "../../config/secret.ts";
import { isTree, type Tree } from "../../config/toml/toml.ts";
import { AdminError } from "../admin-error.ts";

const FILES = ["ca_file", "cert_file", "key_file"] as const;
const BY_HAND = "write it into the file by hand";

/** Throws `invalid`. `isPrivateHost`: as far as the text of a host tells. */
export function refuseNetworkBeyondBounds(
  before: Tree,
  after: Tree,
  allowsPrivate: boolean,
  isPrivateHost: (host: string) => boolean,
): void {
  if (guardsPrivate(after) && !guardsPrivate(before))
    throw refused(["network", "proxy_refuses_private"], "is set in the file alone", BY_HAND);
  const knownFiles = new Set(upstreamsOf(before).flatMap((upstream) => FILES.map((key) => upstream[key])));
  for (const [i, upstream] of upstreamsOf(after).entries()) {
    for (const key of FILES) {
      if (upstream[key] !== undefined && !knownFiles.has(upstream[key]))
        throw refused(["upstreams", i, key], "names a file of the gateway's machine", BY_HAND);
    }
  }
  if (allowsPrivate) return;
  const known = new Set(proxiesOf(before).map(({ text, isPlain }) => `${isPlain} ${text}`));
  for (const { path, text, isPlain } of proxiesOf(after)) {
    if (known.has(`${isPlain} ${text}`) || !isLiteral(text)) continue;
    const proxy = parseProxy(text);
    // What is no proxy is told by the check of the whole configuration.
    if ("message" in proxy) continue;
    const repair = "write it into the file by hand, or set admin.allow_private = true there";
    if (isPrivateHost(proxy.host)) throw refused(path, "leads to no public address", repair);
    if (isPlain)
      throw refused(path, "would read what goes to an upstream of plain HTTP, keys among it", repair);
  }
}

interface PlacedProxy {
  readonly path: Path;
  readonly text: string;
  /** An upstream of plain HTTP is behind it. */
  readonly isPlain: boolean;
}

function proxiesOf(root: Tree): readonly PlacedProxy[] {
  const upstreams = upstreamsOf(root);
  const own = upstreams.flatMap((upstream, i) => {
    const isPlain = isOfPlainHttp(upstream);
    const credentials = treesIn(upstream.credentials).map((credential, j) => ({
      path: ["upstreams", i, "credentials", j, "proxy"],
      text: credential.proxy,
      isPlain,
    }));
    return [{ path: ["upstreams", i, "proxy"], text: upstream.proxy, isPlain }, ...credentials];
  });
  const { network } = root;
  const common = {
    path: ["network", "proxy"],
    text: isTree(network) ? network.proxy : undefined,
    isPlain: upstreams.some(isOfPlainHttp),
  };
  return [common, ...own].flatMap(({ text, ...place }) =>
    typeof text === "string" ? [{ ...place, text }] : [],
  );
}

function isOfPlainHttp({ base_url: url }: Tree): boolean {
  return typeof url === "string" && URL.parse(url)?.protocol === "http:";
}

function guardsPrivate({ network }: Tree): boolean {
  return isTree(network) && network.proxy_refuses_private === true;
}

function upstreamsOf({ upstreams }: Tree): readonly Tree[] {
  return treesIn(upstreams);
}

function treesIn(value: unknown): readonly Tree[] {
  return Array.isArray(value) ? value.filter(isTree) : [];
}

function refused(path: Path, message: string, repair: string): AdminError {
  return new AdminError("invalid", message, { path: renderPath(path), repair });
}
