/**
 * A client on a bare socket: it sends the exact bytes of a test, reads as fast as the test says, and tells a
 * cut from an end.
 */
import { connect, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { CLIENT_KEY, HANG_MS } from "./gateway.ts";

export interface RawReply {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  readonly body: Buffer;
  /** The body ended as HTTP says that a whole body ends. */
  readonly isWhole: boolean;
  /** All received bytes, with the head. */
  readonly raw: Buffer;
}

export interface RawClient {
  readonly socket: Socket;
  send(bytes: Uint8Array | string): void;
  /**
   * The next reply; resolves also when the connection ends inside the reply. `status` is 0 when no reply
   * came.
   */
  reply(limitMs?: number): Promise<RawReply>;
  /** Bytes received so far. */
  readonly receivedBytes: number;
  readonly isClosed: boolean;
  /** Resolves when the other side has closed. */
  readonly closed: Promise<void>;
  /** Closes the connection, as the kernel does for a program that ends. */
  leave(how?: "fin" | "rst"): void;
}

/** Connects to the loopback. `bytesPerSecond` limits how fast the client reads. */
export async function openClient(
  port: number,
  options: { isTls?: boolean; bytesPerSecond?: number } = {},
): Promise<RawClient> {
  const socket = options.isTls
    ? connectTls({ host: "127.0.0.1", port, rejectUnauthorized: false })
    : connect({ host: "127.0.0.1", port });
  const client = new SocketClient(socket);
  await new Promise<void>((resolve, reject) => {
    socket.once(options.isTls ? "secureConnect" : "connect", () => resolve());
    socket.once("error", reject);
  });
  socket.setNoDelay(true);
  client.read(options.bytesPerSecond ?? null);
  return client;
}

class SocketClient implements RawClient {
  readonly socket: Socket;
  readonly closed: Promise<void>;
  isClosed = false;
  receivedBytes = 0;
  #chunks: Buffer[] = [];
  #onChange: (() => void) | null = null;

  constructor(socket: Socket) {
    this.socket = socket;
    this.closed = new Promise((resolve) => {
      const onEnd = (): void => {
        this.isClosed = true;
        this.#onChange?.();
        resolve();
      };
      socket.once("close", onEnd);
      socket.once("end", onEnd);
    });
    socket.on("error", () => undefined);
  }

  read(bytesPerSecond: number | null): void {
    this.socket.on("data", (bytes: Buffer) => {
      this.receivedBytes += bytes.length;
      if (bytesPerSecond === null) {
        this.#chunks.push(bytes);
        this.#onChange?.();
        return;
      }
      this.socket.pause();
      setTimeout(() => this.socket.resume(), (bytes.length / bytesPerSecond) * 1_000);
    });
  }

  send(bytes: Uint8Array | string): void {
    this.socket.write(bytes);
  }

  async reply(limitMs = HANG_MS): Promise<RawReply> {
    const untilMs = performance.now() + limitMs;
    for (;;) {
      const raw = Buffer.concat(this.#chunks);
      this.#chunks = [raw];
      const parsed = parseReply(raw);
      if (parsed?.isWhole) {
        const { sizeBytes, ...reply } = parsed;
        this.#chunks = [raw.subarray(sizeBytes)];
        return { ...reply, raw: raw.subarray(0, sizeBytes) };
      }
      if (this.isClosed) {
        this.#chunks = [];
        return {
          status: parsed?.status ?? 0,
          headers: parsed?.headers ?? new Map(),
          body: parsed?.body ?? Buffer.alloc(0),
          isWhole: parsed?.isUntilClose ?? false,
          raw,
        };
      }
      const restMs = untilMs - performance.now();
      if (restMs <= 0)
        throw new Error(
          `no whole reply within ${limitMs} ms; what came: ${raw.toString("latin1").slice(0, 500)}`,
        );
      await this.#change(restMs);
    }
  }

  #change(limitMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, limitMs);
      this.#onChange = () => {
        clearTimeout(timer);
        this.#onChange = null;
        resolve();
      };
    });
  }

  leave(how: "fin" | "rst" = "fin"): void {
    if (how === "rst") this.socket.resetAndDestroy();
    else this.socket.destroy();
  }
}

interface Parsed extends Omit<RawReply, "raw"> {
  readonly sizeBytes: number;
  readonly isUntilClose: boolean;
}

function parseReply(raw: Buffer): Parsed | null {
  const headEnd = raw.indexOf("\r\n\r\n");
  if (headEnd < 0) return null;
  const lines = raw.subarray(0, headEnd).toString("latin1").split("\r\n");
  const status = Number(lines[0]?.split(" ")[1] ?? 0);
  if (status === 100) return parseAfter(raw, headEnd + 4);
  const headers = new Map<string, string>();
  for (const line of lines.slice(1)) {
    const colon = line.indexOf(":");
    const name = line.slice(0, colon).toLowerCase();
    const value = line.slice(colon + 1).trim();
    headers.set(name, headers.has(name) ? `${headers.get(name)}, ${value}` : value);
  }
  const from = headEnd + 4;
  const known = { status, headers, isUntilClose: false };
  if (status === 204 || status === 304)
    return { ...known, body: Buffer.alloc(0), isWhole: true, sizeBytes: from };
  if (headers.get("transfer-encoding")?.includes("chunked")) return { ...known, ...unchunk(raw, from) };
  const length = headers.get("content-length");
  if (length === undefined)
    return { ...known, body: raw.subarray(from), isWhole: false, sizeBytes: raw.length, isUntilClose: true };
  const to = from + Number(length);
  return { ...known, body: raw.subarray(from, to), isWhole: raw.length >= to, sizeBytes: to };
}

function parseAfter(raw: Buffer, from: number): Parsed | null {
  const parsed = parseReply(raw.subarray(from));
  return parsed === null ? null : { ...parsed, sizeBytes: parsed.sizeBytes + from };
}

function unchunk(raw: Buffer, from: number): { body: Buffer; isWhole: boolean; sizeBytes: number } {
  const parts: Buffer[] = [];
  let at = from;
  for (;;) {
    const lineEnd = raw.indexOf("\r\n", at);
    if (lineEnd < 0) break;
    const size = Number.parseInt(raw.subarray(at, lineEnd).toString("latin1"), 16);
    if (Number.isNaN(size)) break;
    const start = lineEnd + 2;
    if (size === 0) {
      const isWhole = raw.length >= start + 2;
      return { body: Buffer.concat(parts), isWhole, sizeBytes: start + 2 };
    }
    parts.push(raw.subarray(start, Math.min(start + size, raw.length)));
    at = start + size + 2;
    if (at > raw.length) break;
  }
  return { body: Buffer.concat(parts), isWhole: false, sizeBytes: raw.length };
}

export interface RequestOptions {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | string;
  readonly key?: string | null;
  readonly isTls?: boolean;
  readonly limitMs?: number;
}

/** A request's exact bytes, with the client key as bearer unless told otherwise. */
export function requestBytes(path: string, options: RequestOptions = {}): Buffer {
  const { method = options.body === undefined ? "GET" : "POST", key = CLIENT_KEY } = options;
  const body = options.body === undefined ? Buffer.alloc(0) : Buffer.from(options.body as string);
  const headers: Record<string, string> = {
    host: "127.0.0.1",
    ...(key === null ? {} : { authorization: `Bearer ${key}` }),
    ...(options.body === undefined
      ? {}
      : { "content-type": "application/json", "content-length": String(body.length) }),
    ...options.headers,
  };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.concat([Buffer.from(`${method} ${path} HTTP/1.1\r\n${lines.join("")}\r\n`, "latin1"), body]);
}

/** One request on a connection of its own. */
export async function request(port: number, path: string, options: RequestOptions = {}): Promise<RawReply> {
  return await exchangeBytes(port, requestBytes(path, options), options);
}

/** Sends bytes on a connection of its own and reads one reply. */
export async function exchangeBytes(
  port: number,
  bytes: Uint8Array | string,
  options: { isTls?: boolean; limitMs?: number } = {},
): Promise<RawReply> {
  const client = await openClient(port, { isTls: options.isTls === true });
  try {
    client.send(bytes);
    return await client.reply(options.limitMs);
  } finally {
    client.leave();
  }
}
