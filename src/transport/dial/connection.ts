/** One socket to a server, direct or through a proxy, for one user at a time. */

import type { ProxyServer } from "../../config/network/via.ts";
import { isIP } from "../../core/addresses/ip-address.ts";
import { GatewayError } from "../../core/errors.ts";
import { ConnectHandshake } from "./connect-handshake.ts";
import { certificateRefused, isOfTls, isUnknownName, unreachableError } from "./failure.ts";
import { LOOK_UP_PATIENCE_MS, type Names } from "./names.ts";
import type { Origin } from "./origin.ts";
import { proxyError, proxyHungUp, proxyTooSlow, proxyUnreachable } from "./proxy-failure.ts";
import type { ProxyHandshake } from "./proxy-handshake.ts";
import type { ProxyHealths } from "./proxy-health.ts";
import { Socks5Handshake } from "./socks5-handshake.ts";
import { tlsOptionsFor } from "./tls-options.ts";
import { tlsWithin } from "./tls-within.ts";
import type { ConnectionUser, UsableConnection, Wire } from "./wire.ts";

const KEEP_ALIVE_PROBE_MS = 30_000;
/** The next address is tried beside the one before when that has said nothing for so long (RFC 8305, section 5). */
const NEXT_ADDRESS_MS = 250;

/** What all connections share. */
export interface Surroundings {
  readonly names: Names;
  readonly proxies: ProxyHealths;
}

export interface TlsFacts {
  /** `TLSv1.3`. */
  readonly version: string;
  readonly certificateEndsMs: number | null;
}

/** Who has to act next. */
type Stage = "connecting" | "proxy-tls" | "proxy" | "tls" | "ready";

export class Connection implements UsableConnection {
  readonly origin: Origin;
  /** null: the connection is idle, and any event closes it. */
  user: ConnectionUser | null = null;
  /** Called when an idle connection is lost. */
  onLost: ((connection: Connection) => void) | null = null;
  /** The end of its idle time, on the monotonic clock. */
  idleUntilMs = 0;
  /** An earlier call used the connection, so the server may be closing it. */
  isReused = false;
  readonly #surroundings: Surroundings;
  #stage: Stage = "connecting";
  #socket: Wire | null = null;
  #handshake: ProxyHandshake | null = null;
  /** Addresses that were not tried yet. */
  #further: string[] = [];
  #tries = 0;
  /** An address of a list, or of the last answer, was tried beside or after the first. */
  #goesByLast = false;
  #nextTimer: ReturnType<typeof setTimeout> | null = null;
  /** The server has refused our certificate once the connection was ready. */
  #refusal: GatewayError | null = null;
  #isPaused = false;
  #isOver = false;
  #hasEnded = false;

  /** Starts to connect. The user gets `ready` or `unreachable`, never before the constructor returns. */
  constructor(origin: Origin, surroundings: Surroundings) {
    this.origin = origin;
    this.#surroundings = surroundings;
    const { proxy, addresses, hostname } = origin;
    if (proxy?.kind === "https" && origin.isSecure) this.#connectWithin();
    else if (proxy !== null) this.#connect(proxy.host, []);
    else if (addresses !== null) this.#connect(addresses[0] as string, addresses.slice(1));
    else this.#connect(hostname, surroundings.names.last(hostname));
  }

  get isOpen(): boolean {
    return !this.#isOver && this.#stage === "ready" && this.#socket?.readyState === 1;
  }

  write(bytes: Uint8Array, sizeBytes: number): number {
    return this.#stage === "ready" ? this.#send(bytes, sizeBytes) : 0;
  }

  #send(bytes: Uint8Array, sizeBytes: number): number {
    const socket = this.#socket;
    if (socket === null || this.#isOver) return 0;
    return Math.max(socket.write(bytes, 0, sizeBytes), 0);
  }

  /** Says that nothing more will be written; what the system has taken still goes out. */
  end(): void {
    if (!this.#isOver) this.#socket?.end();
  }

  /** null: there is no TLS with the server, or nothing is known of it. */
  tlsFacts(): TlsFacts | null {
    const socket = this.#socket as Partial<Bun.Socket<Connection>> | null;
    if (!this.origin.isSecure || socket?.getPeerCertificate === undefined) return null;
    const endsMs = Date.parse(socket.getPeerCertificate()?.valid_to ?? "");
    return {
      version: socket.getTLSVersion?.() ?? "",
      certificateEndsMs: Number.isNaN(endsMs) ? null : endsMs,
    };
  }

  pause(): void {
    if (this.#isPaused || this.#isOver) return;
    this.#isPaused = true;
    this.#socket?.pause();
  }

  resume(): void {
    if (!this.#isPaused || this.#isOver) return;
    this.#isPaused = false;
    this.#socket?.resume();
  }

  terminate(): void {
    this.user = null;
    this.onLost = null;
    if (this.#isOver) return;
    this.#isOver = true;
    this.#stopTrying();
    this.#socket?.terminate();
  }

  /** The connection is given up after so long: what its user is told. */
  tooSlow(timeoutMs: number): GatewayError {
    const { proxy } = this.origin;
    if (proxy === null || this.#stage === "tls") {
      const message = `no connection to the upstream within ${timeoutMs} ms; check its base_url and the network`;
      return new GatewayError("upstream_connect", message);
    }
    const error = proxyTooSlow(proxy, timeoutMs);
    this.#surroundings.proxies.failed(proxy, error);
    return error;
  }

  /** Tries one address, or all of a name, which the runtime tries side by side; then the further ones. */
  #connect(host: string, further: readonly string[]): void {
    const { origin } = this;
    const { proxy } = origin;
    this.#further = further.filter((address) => address !== host);
    this.#try(host);
    if (this.#further.length === 0) return;
    const isName = proxy === null && origin.addresses === null;
    const waitMs = isName ? LOOK_UP_PATIENCE_MS : NEXT_ADDRESS_MS;
    this.#nextTimer = setInterval(() => this.#tryNext(), waitMs);
  }

  #tryNext(): boolean {
    const next = this.#further.shift();
    if (next === undefined) this.#stopTrying();
    else {
      this.#goesByLast = true;
      this.#try(next);
    }
    return next !== undefined;
  }

  #try(hostname: string): void {
    const { proxy, port, isSecure, hostname: serverName, via } = this.origin;
    const hasTls = proxy === null ? isSecure : proxy.kind === "https";
    this.#tries++;
    Bun.connect<Connection>({
      hostname,
      port: proxy?.port ?? port,
      data: this,
      socket: HANDLERS,
      ...(hasTls ? { tls: tlsOptionsFor(proxy?.host ?? serverName, via.tls, hostname) } : {}),
    }).catch((cause: unknown) => this.#failed(cause));
  }

  /** One of the tries has failed. */
  #failed(cause: unknown): void {
    this.#tries--;
    if (this.#isOver || this.#socket !== null) return;
    // The last answer stands in for a missing one, and for no other failure.
    const mayTryNext = this.origin.addresses !== null || isUnknownName(cause);
    if ((mayTryNext && this.#tryNext()) || this.#tries > 0) return;
    this.#unreachable(cause);
  }

  #stopTrying(): void {
    if (this.#nextTimer !== null) clearInterval(this.#nextTimer);
    this.#nextTimer = null;
  }

  opened(socket: Bun.Socket<Connection>): void {
    // Another address was faster.
    if (this.#isOver || this.#socket !== null) {
      socket.terminate();
      return;
    }
    this.#socket = socket;
    this.#stopTrying();
    const { origin } = this;
    const { proxy } = origin;
    const isByName = proxy === null && origin.addresses === null && isIP(origin.hostname) === 0;
    // A last answer that is used does not become younger by that.
    if (isByName && !this.#goesByLast) {
      this.#surroundings.names.reached(origin.hostname, socket.remoteAddress);
    }
    // Answers may take many minutes, and routers forget silent connections.
    socket.setKeepAlive(true, KEEP_ALIVE_PROBE_MS);
    if (proxy === null) {
      this.#stage = "tls";
      if (!origin.isSecure) this.#ready();
    } else if (proxy.kind === "https") this.#stage = "proxy-tls";
    else this.#askProxy(proxy);
  }

  shookHands(socket: Bun.Socket<Connection>, isDone: boolean, cause: Error | null): void {
    if (this.#isOver || socket !== this.#socket) return;
    if (!isDone || !socket.authorized) this.#unreachable(cause);
    else if (this.#stage === "proxy-tls") this.#askProxy(this.origin.proxy as ProxyServer);
    else this.#ready();
  }

  #ready(): void {
    this.#stage = "ready";
    this.user?.ready();
  }

  #askProxy(proxy: ProxyServer): void {
    this.#stage = "proxy";
    const { hostname, addresses, port } = this.origin;
    const begin = (host: string): void => {
      if (this.#isOver) return;
      const target = { host, port };
      const isHttp = proxy.kind === "http" || proxy.kind === "https";
      this.#handshake = isHttp ? new ConnectHandshake(proxy, target) : new Socks5Handshake(proxy, target);
      this.#tellProxy(this.#handshake.begin());
    };
    if (addresses !== null) begin(addresses[0] as string);
    else if (proxy.kind !== "socks5" || isIP(hostname) !== 0) begin(hostname);
    else {
      this.#surroundings.names.lookUp(hostname).then(
        ([address = hostname]) => begin(address),
        (cause: unknown) => this.#fail(unreachableError(cause)),
      );
    }
  }

  #tellProxy(bytes: Uint8Array): void {
    if (this.#send(bytes, bytes.length) < bytes.length) this.#proxyFailed(proxyHungUp);
  }

  #heardProxy(handshake: ProxyHandshake, bytes: Buffer): void {
    const step = handshake.feed(bytes);
    const proxy = this.origin.proxy as ProxyServer;
    if (step.kind === "failed") {
      if (step.isOfTarget) this.#surroundings.proxies.worked(proxy);
      else this.#surroundings.proxies.failed(proxy, step.error);
      this.#fail(step.error);
      return;
    }
    if (step.kind === "goes-on") {
      if (step.send !== null) this.#tellProxy(step.send);
      return;
    }
    this.#handshake = null;
    this.#surroundings.proxies.worked(proxy);
    const surplus = bytes.subarray(step.readBytes);
    if (!this.origin.isSecure) {
      this.#ready();
      if (surplus.length > 0) this.user?.data(surplus);
    } else if (surplus.length > 0) {
      this.#proxyFailed((one) => proxyError(one, "does not answer as such proxies do; check its kind"));
    } else this.#beginTls();
  }

  /** The socket becomes that of the server. What the old one says from here on is of no use. */
  #beginTls(): void {
    this.#stage = "tls";
    const { hostname, via } = this.origin;
    const [, secured] = (this.#socket as Bun.Socket<Connection>).upgradeTLS<Connection>({
      data: this,
      tls: tlsOptionsFor(hostname, via.tls),
      socket: HANDLERS_WITHIN,
    });
    this.#socket = secured;
  }

  /** TLS to the server within TLS to the proxy, which the runtime's own sockets cannot do. */
  #connectWithin(): void {
    const { origin } = this;
    const tunnel = new Connection({ ...origin, isSecure: false }, this.#surroundings);
    this.#socket = tlsWithin(tunnel, origin, {
      connected: () => {
        this.#stage = "tls";
      },
      ready: () => this.#ready(),
      unreachable: (error) => this.#fail(error),
      data: (bytes) => this.#data(bytes),
      drain: () => this.user?.drain(),
      closed: (isClean) => this.#closed(isClean),
    });
  }

  received(socket: Wire, bytes: Buffer): void {
    if (socket !== this.#socket) return;
    if (this.#handshake !== null) this.#heardProxy(this.#handshake, bytes);
    else this.#data(bytes);
  }

  #data(bytes: Buffer): void {
    if (this.user !== null) this.user.data(bytes);
    else this.#lose();
  }

  drained(socket: Wire): void {
    if (socket === this.#socket) this.user?.drain();
  }

  /** The session of TLS has failed, which the end of the connection follows; or a handler has thrown. */
  broke(socket: Wire, cause: Error): void {
    if (!isOfTls(cause)) {
      queueMicrotask(() => {
        throw cause;
      });
    } else if (socket === this.#socket && !this.isReused) this.#refusal = certificateRefused(cause);
  }

  ended(socket: Wire): void {
    if (socket === this.#socket) this.#hasEnded = true;
  }

  closed(socket: Wire, cause: Error | undefined): void {
    if (socket === this.#socket) this.#closed(this.#hasEnded && cause === undefined);
  }

  #closed(isClean: boolean): void {
    if (this.#isOver) return;
    if (this.#stage === "proxy" || this.#stage === "proxy-tls") {
      this.#proxyFailed(proxyHungUp);
      return;
    }
    this.#isOver = true;
    const { user } = this;
    this.user = null;
    if (user === null) this.#lose();
    else if (this.#refusal !== null) user.unreachable(this.#refusal);
    else if (this.#stage === "ready") user.closed(isClean);
    else user.unreachable(unreachableError(null));
  }

  #unreachable(cause: unknown): void {
    const { proxy } = this.origin;
    if (proxy === null || this.#stage === "tls") this.#fail(unreachableError(cause));
    else this.#proxyFailed((one) => proxyUnreachable(one, cause));
  }

  #proxyFailed(errorOf: (proxy: ProxyServer) => GatewayError): void {
    const proxy = this.origin.proxy as ProxyServer;
    const error = errorOf(proxy);
    this.#surroundings.proxies.failed(proxy, error);
    this.#fail(error);
  }

  #fail(error: GatewayError): void {
    const { user } = this;
    this.terminate();
    user?.unreachable(error);
  }

  #lose(): void {
    const { onLost } = this;
    this.terminate();
    onLost?.(this);
  }
}

const HANDLERS_WITHIN: Bun.SocketHandler<Connection> = {
  binaryType: "buffer",
  handshake: (socket, isDone, cause) => socket.data.shookHands(socket, isDone, cause),
  data: (socket, bytes) => socket.data.received(socket, bytes),
  drain: (socket) => socket.data.drained(socket),
  end: (socket) => socket.data.ended(socket),
  error: (socket, cause) => socket.data.broke(socket, cause),
  close: (socket, cause) => socket.data.closed(socket, cause),
};

const HANDLERS: Bun.SocketHandler<Connection> = {
  ...HANDLERS_WITHIN,
  open: (socket) => socket.data.opened(socket),
  // The promise of `connect` rejects as well.
  connectError: () => undefined,
};
