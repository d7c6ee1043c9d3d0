/**
 * A provider on a bare socket: it sends the exact bytes of a test, with pauses, splits, FIN and RST, and
 * records the exact bytes of each request and the time at which the other side left.
 */
import { existsSync, readFileSync } from "node:fs";
import { createServer, type Socket } from "node:net";

/** A request, and the methods that answer it. */
export interface Arrived {
  /** Counts up from 1. */
  readonly n: number;
  readonly method: string;
  readonly target: string;
  /** Request line and headers, unchanged. */
  readonly head: string;
  readonly headers: ReadonlyMap<string, string>;
  readonly body: Buffer;
  /** The other side has closed, or reset, the connection. */
  readonly isClosed: boolean;
  /** Resolves, with `performance.now()`, when it is closed. */
  readonly closed: Promise<number>;
  /** Bytes that wait in this process, because the kernel's buffer is full. */
  readonly unsentBytes: number;
  /** Resolves when the kernel has taken the bytes, or when the connection is closed. */
  send(bytes: Uint8Array | string): Promise<void>;
  /** Resolves when the other side's program has read all that was sent: a reset discards unread bytes. */
  untilRead(): Promise<void>;
  fin(): void;
  rst(): void;
}

export type Answering = (request: Arrived) => void | Promise<void>;

export interface RawUpstream {
  readonly port: number;
  /** `http://127.0.0.1:PORT`. */
  readonly url: string;
  readonly seen: readonly Arrived[];
  /** How the next requests are answered. */
  answer: Answering;
  /** Connections that are open now. */
  readonly openConnections: number;
  /** Empties `seen`. */
  forget(): void;
  close(): Promise<void>;
}

export interface RawUpstreamOptions {
  /**
   * The gateway asks for lists of models by itself, at times of its own. With `apart` they are answered, and are neither for
   * the test to answer nor in `seen`.
   */
  readonly lists?: "apart";
}

/** Starts one on a free port of the loopback. */
export async function startRawUpstream(
  answer: Answering,
  { lists }: RawUpstreamOptions = {},
): Promise<RawUpstream> {
  const sockets = new Set<Socket>();
  let seen: Arrived[] = [];
  const self = { answer };
  let count = 0;
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.setNoDelay(true);
    socket.on("error", () => undefined);
    const closed = new Promise<number>((resolve) => {
      socket.once("close", () => {
        sockets.delete(socket);
        resolve(performance.now());
      });
    });
    let pending = Buffer.alloc(0);
    let chunks: Buffer[] = [];
    let pendingBytes = 0;
    socket.on("data", (bytes: Buffer) => {
      chunks.push(bytes);
      pendingBytes += bytes.length;
      // A large body comes in many pieces: they are joined once the body can be whole, not at each piece.
      if (wanted > pendingBytes) return;
      pending = Buffer.concat(chunks);
      for (;;) {
        const request = takeRequest(pending);
        if (typeof request === "number") {
          wanted = request;
          break;
        }
        wanted = 0;
        pending = pending.subarray(request.sizeBytes);
        count += 1;
        const arrived = new SocketArrived(count, request, socket, closed);
        const isApart = lists === "apart" && isForList(arrived);
        if (!isApart) seen.push(arrived);
        Promise.resolve(isApart ? sendWhole(arrived, NO_MODELS) : self.answer(arrived)).catch(
          (error: unknown) => {
            socket.destroy();
            console.error("the scripted provider failed", error);
          },
        );
      }
      chunks = [pending];
      pendingBytes = pending.length;
    });
    let wanted = 0;
    // A peer that ends its half of the connection has left.
    socket.on("end", () => socket.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port was given");
  return {
    port: address.port,
    url: `http://127.0.0.1:${address.port}`,
    get seen() {
      return seen;
    },
    get answer() {
      return self.answer;
    },
    set answer(next) {
      self.answer = next;
    },
    get openConnections() {
      return sockets.size;
    },
    forget() {
      seen = [];
    },
    close() {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

/** No models, in the words of each provider. */
const NO_MODELS = '{"object":"list","data":[],"models":[],"has_more":false}';

function isForList({ method, target }: Arrived): boolean {
  return method === "GET" && /\/models(?:\?|$)/.test(target);
}

interface Taken {
  readonly head: string;
  readonly headers: ReadonlyMap<string, string>;
  readonly body: Buffer;
  readonly sizeBytes: number;
}

/** The first whole request of the bytes, or the number of bytes without which no request can be whole. */
function takeRequest(bytes: Buffer): Taken | number {
  const headEnd = bytes.indexOf("\r\n\r\n");
  if (headEnd < 0) return bytes.length + 1;
  const head = bytes.subarray(0, headEnd + 4).toString("latin1");
  const headers = new Map<string, string>();
  for (const line of head.split("\r\n").slice(1)) {
    const colon = line.indexOf(":");
    if (colon > 0) headers.set(line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim());
  }
  const from = headEnd + 4;
  if (headers.get("transfer-encoding") === "chunked") {
    const end = bytes.indexOf("0\r\n\r\n", from);
    if (end < 0) return bytes.length + 1;
    return { head, headers, body: unchunk(bytes.subarray(from, end + 5)), sizeBytes: end + 5 };
  }
  const length = Number(headers.get("content-length") ?? 0);
  if (bytes.length < from + length) return from + length;
  return { head, headers, body: Buffer.from(bytes.subarray(from, from + length)), sizeBytes: from + length };
}

function unchunk(bytes: Buffer): Buffer {
  const parts: Buffer[] = [];
  for (let at = 0; ; ) {
    const lineEnd = bytes.indexOf("\r\n", at);
    const size = Number.parseInt(bytes.subarray(at, lineEnd).toString("latin1"), 16);
    if (!(size > 0)) return Buffer.concat(parts);
    parts.push(bytes.subarray(lineEnd + 2, lineEnd + 2 + size));
    at = lineEnd + 2 + size + 2;
  }
}

class SocketArrived implements Arrived {
  readonly n: number;
  readonly method: string;
  readonly target: string;
  readonly head: string;
  readonly headers: ReadonlyMap<string, string>;
  readonly body: Buffer;
  readonly closed: Promise<number>;
  readonly #socket: Socket;

  constructor(n: number, request: Taken, socket: Socket, closed: Promise<number>) {
    const [method = "", target = ""] = request.head.split(" ");
    this.n = n;
    this.method = method;
    this.target = target;
    this.head = request.head;
    this.headers = request.headers;
    this.body = request.body;
    this.closed = closed;
    this.#socket = socket;
  }

  get isClosed(): boolean {
    return this.#socket.destroyed;
  }

  get unsentBytes(): number {
    return this.#socket.writableLength;
  }

  async send(bytes: Uint8Array | string): Promise<void> {
    if (this.#socket.destroyed) return;
    if (this.#socket.write(bytes)) return;
    await Promise.race([new Promise((resolve) => this.#socket.once("drain", resolve)), this.closed]);
  }

  async untilRead(): Promise<void> {
    const { localPort = 0, remotePort = 0 } = this.#socket;
    while (!this.isClosed && (this.unsentBytes > 0 || unreadBytes(remotePort, localPort) > 0))
      await Bun.sleep(1);
  }

  fin(): void {
    this.#socket.end();
  }

  rst(): void {
    this.#socket.resetAndDestroy();
  }
}

/**
 * Bytes that the kernel holds for the owner of a local port of the loopback, from a remote one; Linux alone
 * tells.
 */
function unreadBytes(localPort: number, remotePort: number): number {
  if (!existsSync("/proc/net/tcp")) return 0;
  const hex = (port: number): string => port.toString(16).toUpperCase().padStart(4, "0");
  const row = new RegExp(`:${hex(localPort)} [0-9A-F]+:${hex(remotePort)} \\S+ [0-9A-F]+:([0-9A-F]+) `);
  return Number.parseInt(row.exec(readFileSync("/proc/net/tcp", "latin1"))?.[1] ?? "0", 16);
}

/** A reply's head. Without `content-length` the body is chunked, unless `framing` is "close". */
export function replyHead(
  status: string,
  headers: Readonly<Record<string, string>>,
  framing: "chunked" | "close" | number,
): string {
  const own: Record<string, string> =
    framing === "chunked"
      ? { "transfer-encoding": "chunked" }
      : framing === "close"
        ? { connection: "close" }
        : { "content-length": String(framing) };
  const lines = Object.entries({ ...headers, ...own }).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${status}\r\n${lines.join("")}\r\n`;
}

/** One chunk of a chunked body. */
export function chunkOf(bytes: Uint8Array | string): Buffer {
  const data = Buffer.from(bytes as string);
  return Buffer.concat([Buffer.from(`${data.length.toString(16)}\r\n`), data, Buffer.from("\r\n")]);
}

export const LAST_CHUNK = "0\r\n\r\n";

/** Answers with a whole reply of known length. */
export async function sendWhole(
  request: Arrived,
  body: Uint8Array | string,
  headers: Readonly<Record<string, string>> = { "content-type": "application/json" },
  status = "200 OK",
): Promise<void> {
  const bytes = Buffer.from(body as string);
  await request.send(Buffer.concat([Buffer.from(replyHead(status, headers, bytes.length)), bytes]));
}

/** Answers with an event stream that ends well, each piece in a write of its own. */
export async function sendStream(
  request: Arrived,
  pieces: readonly (Uint8Array | string)[],
  type = "text/event-stream",
): Promise<void> {
  await request.send(replyHead("200 OK", { "content-type": type }, "chunked"));
  for (const piece of pieces) {
    if (piece.length > 0) await request.send(chunkOf(piece));
    await Bun.sleep(0);
  }
  await request.send(LAST_CHUNK);
}
