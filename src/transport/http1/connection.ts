/** One socket to an upstream, for one call at a time. The only file of this folder that knows Bun. */
import type { Origin } from "./request-head.ts";

/** The user of a connection. Nothing is called after `closed` or `unreachable`. */
export interface ConnectionUser {
  /** The connection can be written to: it is open, and over TLS the upstream's certificate is accepted. */
  ready(): void;
  /** The connection failed before it was ready. */
  unreachable(cause: unknown): void;
  /** The next bytes; they belong to the user. */
  data(bytes: Buffer): void;
  /** The system takes bytes again. */
  drain(): void;
  /** `isClean`: the upstream closed the connection in order, after its last byte. */
  closed(isClean: boolean): void;
}

const KEEP_ALIVE_PROBE_MS = 30_000;

export class Connection {
  readonly origin: Origin;
  /** null: the connection is idle, and any event closes it. */
  user: ConnectionUser | null = null;
  /** Called when an idle connection is lost. */
  onLost: ((connection: Connection) => void) | null = null;
  /** The end of its idle time, on the monotonic clock. */
  idleUntilMs = 0;
  /** An earlier call used the connection, so the upstream may be closing it. */
  isReused = false;
  #socket: Bun.Socket<Connection> | null = null;
  #isPaused = false;
  #isOver = false;
  #hasEnded = false;

  /** Starts to connect. The user gets `ready` or `unreachable`, never before the constructor returns. */
  constructor(origin: Origin) {
    this.origin = origin;
    const { hostname, port } = origin;
    Bun.connect<Connection>({
      hostname,
      port,
      data: this,
      socket: HANDLERS,
      // Verification is set here, so that no environment variable can turn it off.
      ...(origin.isSecure ? { tls: { rejectUnauthorized: true, serverName: hostname } } : {}),
    }).catch((cause: unknown) => this.#unreachable(cause));
  }

  get isOpen(): boolean {
    return !this.#isOver && this.#socket?.readyState === 1;
  }

  /**
   * Hands bytes to the system. Returns how many the system took: 0 when it is full or the connection is
   * closed.
   */
  write(bytes: Uint8Array, sizeBytes: number): number {
    const socket = this.#socket;
    if (socket === null || this.#isOver) return 0;
    return Math.max(socket.write(bytes, 0, sizeBytes), 0);
  }

  /** Stops reading; the upstream has to wait once the system's own buffers are full. */
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

  /** Closes the connection now, whatever is still to be sent or read. The user gets no call any more. */
  terminate(): void {
    this.user = null;
    this.onLost = null;
    if (this.#isOver) return;
    this.#isOver = true;
    this.#socket?.terminate();
  }

  opened(socket: Bun.Socket<Connection>): void {
    if (this.#isOver) {
      socket.terminate();
      return;
    }
    this.#socket = socket;
    // Answers may take many minutes, and routers forget silent connections.
    socket.setKeepAlive(true, KEEP_ALIVE_PROBE_MS);
    if (!this.origin.isSecure) this.user?.ready();
  }

  shookHands(socket: Bun.Socket<Connection>, isDone: boolean, cause: Error | null): void {
    if (this.#isOver) return;
    if (isDone && socket.authorized) this.user?.ready();
    else this.#unreachable(cause);
  }

  received(bytes: Buffer): void {
    if (this.user !== null) this.user.data(bytes);
    else this.#lose();
  }

  drained(): void {
    this.user?.drain();
  }

  ended(): void {
    this.#hasEnded = true;
  }

  closed(cause: Error | undefined): void {
    if (this.#isOver) return;
    this.#isOver = true;
    const { user } = this;
    this.user = null;
    if (user !== null) user.closed(this.#hasEnded && cause === undefined);
    else this.#lose();
  }

  #unreachable(cause: unknown): void {
    const { user } = this;
    this.terminate();
    user?.unreachable(cause);
  }

  #lose(): void {
    const { onLost } = this;
    this.terminate();
    onLost?.(this);
  }
}

const HANDLERS: Bun.SocketHandler<Connection> = {
  binaryType: "buffer",
  open: (socket) => socket.data.opened(socket),
  handshake: (socket, isDone, cause) => socket.data.shookHands(socket, isDone, cause),
  data: (socket, bytes) => socket.data.received(bytes),
  drain: (socket) => socket.data.drained(),
  end: (socket) => socket.data.ended(),
  close: (socket, cause) => socket.data.closed(cause),
  // The promise of `connect` rejects as well.
  connectError: () => undefined,
};
