/** The `CONNECT` method of HTTP proxies (RFC 9110, section 9.3.6). */

import type { ProxyServer } from "../../config/network/via.ts";
import { isIP } from "../../core/addresses/ip-address.ts";
import { proxyError, proxyForbids, proxyUnauthorized, unreachableBehind } from "./proxy-failure.ts";
import type { HandshakeStep, ProxyHandshake, ProxyTarget } from "./proxy-handshake.ts";

/** A proxy's refusal may be a page; only its head is read. */
const MAX_HEAD_BYTES = 16 * 1_024;
const BEGINNING = Buffer.from("HTTP/1.", "latin1");
const HEAD_END = "\r\n\r\n";
/** A proxy that could not reach the server answers as gateways do. */
const IS_OF_TARGET = /^50[234]$/;

export class ConnectHandshake implements ProxyHandshake {
  readonly #proxy: ProxyServer;
  readonly #target: ProxyTarget;
  #head: Buffer = Buffer.alloc(0);

  constructor(proxy: ProxyServer, target: ProxyTarget) {
    this.#proxy = proxy;
    this.#target = target;
  }

  begin(): Uint8Array {
    const { host, port } = this.#target;
    const { login } = this.#proxy;
    const authority = `${isIP(host) === 6 ? `[${host}]` : host}:${port}`;
    const basic = login === null ? "" : Buffer.from(`${login.user}:${login.password}`).toString("base64");
    const authorization = login === null ? "" : `proxy-authorization: Basic ${basic}\r\n`;
    return Buffer.from(
      `CONNECT ${authority} HTTP/1.1\r\nhost: ${authority}\r\n${authorization}\r\n`,
      "latin1",
    );
  }

  feed(bytes: Buffer): HandshakeStep {
    const beforeBytes = this.#head.length;
    this.#head = Buffer.concat([this.#head, bytes.subarray(0, MAX_HEAD_BYTES)]);
    const known = Math.min(this.#head.length, BEGINNING.length);
    if (this.#head.compare(BEGINNING, 0, known, 0, known) !== 0) return this.#garbage();
    const end = this.#head.indexOf(HEAD_END, 0, "latin1");
    if (end < 0) {
      return this.#head.length > MAX_HEAD_BYTES ? this.#garbage() : { kind: "goes-on", send: null };
    }
    const status = /^HTTP\/1\.[01] (\d{3})\b/.exec(this.#head.toString("latin1", 0, end))?.[1];
    if (status === undefined) return this.#garbage();
    if (status.startsWith("2")) return { kind: "connected", readBytes: end + HEAD_END.length - beforeBytes };
    return this.#refused(status);
  }

  #refused(status: string): HandshakeStep {
    const { host, port } = this.#target;
    const isOfTarget = IS_OF_TARGET.test(status);
    if (status === "407") return { kind: "failed", error: proxyUnauthorized(this.#proxy), isOfTarget };
    const errorOf = isOfTarget ? unreachableBehind : proxyForbids;
    return { kind: "failed", error: errorOf(this.#proxy, host, port, `status ${status}`), isOfTarget };
  }

  #garbage(): HandshakeStep {
    const error = proxyError(this.#proxy, "does not answer as HTTP proxies do; check its kind");
    return { kind: "failed", error, isOfTarget: false };
  }
}
