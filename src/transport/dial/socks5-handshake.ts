/** SOCKS 5 with a user and a password or without (RFC 1928, RFC 1929). */

import type { ProxyServer } from "../../config/network/via.ts";
import { addressBytes } from "../../core/addresses/ip-address.ts";
import type { GatewayError } from "../../core/errors.ts";
import { proxyError, proxyForbids, proxyUnauthorized, unreachableBehind } from "./proxy-failure.ts";
import type { HandshakeStep, ProxyHandshake, ProxyTarget } from "./proxy-handshake.ts";

const VERSION = 5;
const LOGIN_VERSION = 1;
const CONNECT = 1;
const METHOD = { open: 0, login: 2, none: 0xff } as const;
const ADDRESS = { ipv4: 1, name: 3, ipv6: 4 } as const;
/** What a proxy answers about the connection it was asked for. */
const REPLIES: Readonly<Record<number, string>> = {
  1: "general failure",
  3: "network unreachable",
  4: "host unreachable",
  5: "connection refused",
  6: "time to live expired",
};
const NOT_ALLOWED = 2;

export class Socks5Handshake implements ProxyHandshake {
  readonly #proxy: ProxyServer;
  readonly #target: ProxyTarget;
  #held: Buffer = Buffer.alloc(0);
  #awaits: "method" | "login" | "connection" = "method";

  constructor(proxy: ProxyServer, target: ProxyTarget) {
    this.#proxy = proxy;
    this.#target = target;
  }

  begin(): Uint8Array {
    return this.#proxy.login === null
      ? Buffer.from([VERSION, 1, METHOD.open])
      : Buffer.from([VERSION, 2, METHOD.open, METHOD.login]);
  }

  feed(bytes: Buffer): HandshakeStep {
    const beforeBytes = this.#held.length;
    this.#held = Buffer.concat([this.#held, bytes]);
    const step = this.#step();
    return step.kind === "connected" ? { ...step, readBytes: step.readBytes - beforeBytes } : step;
  }

  #step(): HandshakeStep {
    const [first, second] = this.#held;
    const version = this.#awaits === "login" ? LOGIN_VERSION : VERSION;
    if (first !== undefined && first !== version) {
      return this.#failed(proxyError(this.#proxy, "does not answer as SOCKS 5 proxies do; check its kind"));
    }
    if (second === undefined) return { kind: "goes-on", send: null };
    if (this.#awaits === "connection") return this.#connection(second);
    // A proxy says nothing more before it is asked.
    this.#held = this.#held.subarray(2);
    return this.#awaits === "method" ? this.#method(second) : this.#loggedIn(second);
  }

  #method(method: number): HandshakeStep {
    const { login } = this.#proxy;
    if (method === METHOD.open) return this.#ask();
    if (method !== METHOD.login || login === null) return this.#failed(proxyUnauthorized(this.#proxy));
    this.#awaits = "login";
    const [user, password] = [Buffer.from(login.user), Buffer.from(login.password)];
    const send = Buffer.concat(
      [[LOGIN_VERSION, user.length], user, [password.length], password].map(bytesOf),
    );
    return { kind: "goes-on", send };
  }

  #loggedIn(status: number): HandshakeStep {
    return status === 0 ? this.#ask() : this.#failed(proxyUnauthorized(this.#proxy));
  }

  #ask(): HandshakeStep {
    this.#awaits = "connection";
    const { host, port } = this.#target;
    const send = Buffer.concat([
      bytesOf([VERSION, CONNECT, 0]),
      hostBytes(host),
      bytesOf([port >> 8, port & 255]),
    ]);
    return { kind: "goes-on", send };
  }

  #connection(reply: number): HandshakeStep {
    const { host, port } = this.#target;
    if (reply === NOT_ALLOWED) {
      return this.#failed(proxyForbids(this.#proxy, host, port, "connection not allowed by ruleset"));
    }
    if (reply !== 0) {
      const words = REPLIES[reply] ?? `reply ${reply}`;
      return this.#failed(unreachableBehind(this.#proxy, host, port, words), true);
    }
    const sizeBytes = replyBytes(this.#held);
    if (sizeBytes > this.#held.length) return { kind: "goes-on", send: null };
    return { kind: "connected", readBytes: sizeBytes };
  }

  #failed(error: GatewayError, isOfTarget = false): HandshakeStep {
    return { kind: "failed", error, isOfTarget };
  }
}

function bytesOf(bytes: Buffer | readonly number[]): Buffer {
  return Buffer.from(bytes as Buffer);
}

function hostBytes(host: string): Buffer {
  const [plain = ""] = host.split("%", 1);
  const address = addressBytes(plain);
  if (address !== null) return bytesOf([address.length === 4 ? ADDRESS.ipv4 : ADDRESS.ipv6, ...address]);
  const name = Buffer.from(host, "latin1");
  return Buffer.concat([bytesOf([ADDRESS.name, name.length]), name]);
}

/** The size of the reply with the address in it, which nobody needs; more than there is while it is not known. */
function replyBytes(reply: Buffer): number {
  const [, , , kind, nameBytes = 0] = reply;
  if (kind === ADDRESS.ipv6) return 4 + 16 + 2;
  return kind === ADDRESS.name ? 4 + 1 + nameBytes + 2 : 4 + 4 + 2;
}
