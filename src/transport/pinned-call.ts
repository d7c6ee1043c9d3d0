/**
 * One HTTP request to an address that was checked before: the host's name is looked up once, and the connection goes
 * to the addresses that came out. Neither a later answer of DNS nor the environment's proxy can lead it elsewhere.
 */
import type { IncomingMessage, RequestOptions } from "node:http";
import { isIP, type LookupFunction } from "node:net";

/** All addresses of a host name. */
export type Resolve = (host: string) => Promise<readonly string[]>;

export interface PinnedCall {
  /** `http:` or `https:`, without user name and password. */
  readonly target: URL;
  /** What `addressesOf` found, and the caller has checked: not empty. */
  readonly addresses: readonly string[];
  readonly method: "GET" | "POST";
  readonly headers: Readonly<Record<string, string>>;
  /** null: none. */
  readonly body: Uint8Array | null;
  /** Ends the call and the reading of its reply. */
  readonly signal: AbortSignal;
}

/** Why there is no reply. `detail` is for logs. */
export class NoReply extends Error {
  readonly why: "certificate" | "unreachable" | "upgrade";
  readonly detail: string;

  constructor(why: "certificate" | "unreachable" | "upgrade", detail: string) {
    super(`no reply: ${why}`);
    this.why = why;
    this.detail = detail;
  }
}

/** Addresses that a URL leads to; none when its host is not known. */
export function addressesOf(target: URL, resolve?: Resolve): Promise<readonly string[]> {
  return addressesOfHost(bareHost(target), resolve);
}

/** `host`: a name, or an address without brackets. */
export async function addressesOfHost(
  host: string,
  resolve: Resolve = resolveHost,
): Promise<readonly string[]> {
  return isIP(host) === 0 ? await resolve(host).catch(() => []) : [host];
}

/** The host without the brackets of an IPv6 address. */
function bareHost(target: URL): string {
  return target.hostname.replace(/^\[|\]$/g, "");
}

function portOf(target: URL): number {
  if (target.port !== "") return Number(target.port);
  return target.protocol === "https:" ? 443 : 80;
}

/** The runtime's modules are loaded by the first call: they would take a fifth of the gateway's start. */
async function resolveHost(host: string): Promise<readonly string[]> {
  const { lookup } = await import("node:dns/promises");
  return (await lookup(host, { all: true })).map(({ address }) => address);
}

/** Resolves with the reply's head, whatever its status; the caller reads or destroys the reply. Rejects with `NoReply`. */
export async function sendPinned(call: PinnedCall): Promise<IncomingMessage> {
  const { target, body } = call;
  const isSecure = target.protocol === "https:";
  const { request: begin } = isSecure ? await import("node:https") : await import("node:http");
  const options: RequestOptions & { rejectUnauthorized: boolean } = {
    method: call.method,
    // Also the `host` header, the name for SNI, and the name that the certificate must have.
    host: bareHost(target),
    port: portOf(target),
    path: target.pathname + target.search,
    headers: call.headers,
    lookup: pinTo(call.addresses),
    // No kept connection: it could lead to an address that was checked for another call.
    agent: false,
    signal: call.signal,
    // Set here, so that no environment variable can turn it off.
    rejectUnauthorized: true,
  };
  return await new Promise((resolve, reject) => {
    const request = begin(options, resolve);
    request.on("upgrade", (_reply, socket) => {
      socket.destroy();
      reject(new NoReply("upgrade", ""));
    });
    request.on("error", (cause: NodeJS.ErrnoException) => reject(noReply(cause)));
    if (body === null) request.end();
    else request.end(body);
  });
}

function pinTo(addresses: readonly string[]): LookupFunction {
  const pinned = addresses.map((address) => ({ address, family: isIP(address) }));
  return (_host, options, callback) => {
    const first = pinned[0];
    if (options.all === true || first === undefined) callback(null, pinned);
    else callback(null, first.address, first.family);
  };
}

export function noReply(cause: NodeJS.ErrnoException): NoReply {
  const code = cause.code ?? "";
  const isCertificate = /CERT|ISSUER|LEAF|CRL|SELF_SIGNED/.test(code);
  return new NoReply(isCertificate ? "certificate" : "unreachable", `${code} ${cause.message}`);
}
