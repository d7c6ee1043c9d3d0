/** One socket to an upstream, over which one call at a time goes. The only file here that knows Bun. */
import type { Origin } from "./request-head.ts";

/** Who uses a connection at the moment. Nothing is called after `closed` or `unreachable`. */
export interface ConnectionUser {
  /** It can be written to: connected, and over TLS the upstream has shown who it is. */
  ready(): void;
  /** No connection came about. */
  unreachable(cause: unknown): void;
  /** Bytes that came; they belong to the user. */
  data(bytes: Buffer): void;
  /** There is room to write again. */
  drain(): void;
  /** `isClean`: the upstream ended it, after all that it had to send. */
  closed(isClean: boolean): void;
}

const KEEP_ALIVE_PROBE_MS = 30_000;

export class Connection {
  readonly origin: Origin;
  /** null while it is idle: whatever happens then closes it. */
  user: ConnectionUser | null = null;
  /** Told when an idle connection is no longer of use. */
  onLost: ((connection: Connection) => void) | null = null;
  /** Until when it may stay idle, on the monotonic clock. */
  idleUntilMs = 0;
  /** Whether an earlier call went over it, so that the upstream may be closing it just now. */
  isReused = false;
  #socket: Bun.Socket<Connection> | null = null;
  #isPaused = false;
  #isOver = false;
  #hasEnded = false;

  /** Starts to connect; its user hears how it went, never before this returns. */
  constructor(origin: Origin) {
    this.origin = origin;
    const { hostname, port } = origin;
    Bun.connect<Connection>({
      hostname,
      port,
      data: this,
      socket: HANDLERS,
      // Verification is asked for in words, so that no environment variable can turn it off.
      ...(origin.isSecure ? { tls: { rejectUnauthorized: true, serverName: hostname } } : {}),
    }).catch((cause: unknown) => this.#unreachable(cause));
  }

  get isOpen(): boolean {
    return !this.#isOver && this.#socket?.readyState === 1;
  }

  /** Hands bytes to the system; returns how many it took, none when it is full or the connection is gone. */
  write(bytes: Uint8Array, sizeBytes: number): number {
    const socket = this.#socket;
    if (socket === null || this.#isOver) return 0;
    return Math.max(socket.write(bytes, 0, sizeBytes), 0);
  }

  /** Stops reading; the upstream is held up once the system's own buffers are full. */
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

  /** Closes it now, whatever was still to be sent or read. The user hears nothing more. */
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
    // Answers may take many minutes, in which routers forget connections that are silent.
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
  // The promise of `connect` says the same.
  connectError: () => undefined,
};
