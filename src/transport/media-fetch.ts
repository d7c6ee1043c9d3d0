/**
 * Fetches a file that a client names by URL. A client must not reach through the gateway what only the gateway can
 * reach, so the fetch connects to public addresses only, and to the very ones that it has checked.
 */
import { DIRECT, type Via } from "../config/network/via.ts";
import { isPublicAddress } from "../core/addresses/public-address.ts";
import { GatewayError } from "../core/errors.ts";
import { addToQueue, type Queue } from "../core/lists.ts";
import { type ByteRoom, memoryExhausted } from "../core/memory-budget.ts";
import { type BodySink, type Call, headOf, type ReplyHead, type Transport } from "./call.ts";
import { guardTarget, type Resolve } from "./guarded-target.ts";
import { plainMediaType, sniffMediaType } from "./media-type.ts";

const MAX_CONCURRENT = 16;
/** The part of them that one key may have: files that never come keep the others' waiting for no longer than their own. */
const MOST_OF_KEY = 3 / 4;
const MAX_REDIRECTS = 3;
const MAX_URL_LENGTH = 8_192;
const FIRST_BUFFER_BYTES = 64 * 1_024;
const REDIRECTS = new Set([301, 302, 303, 307, 308]);
/** Types of servers that do not know the type of a file. */
const UNKNOWN_TYPES = new Set(["", "application/octet-stream", "binary/octet-stream"]);
const TYPE = /^[a-z0-9.+-]{1,40}\/[a-z0-9.+-]{1,60}$/;

export interface Media {
  /** One of the accepted types, as `accept` spells it. */
  readonly mimeType: string;
  readonly bytes: Uint8Array;
}

/** Whose request a file is for. */
export interface MediaAsker {
  /** The name of the client's key: keys take turns. */
  readonly key: string;
  /** Where the bytes of the file are counted as they come; null: nowhere. */
  readonly room: ByteRoom | null;
}

/**
 * `accept` names mime types, without wildcards; `param` the request's field, for the error. Rejects with `GatewayError`
 * `bad_request`: the URL, its host or port may not be fetched, the fetch failed, or the file is too large or of another type;
 * or `memory_exhausted`.
 */
export type MediaFetch = (
  url: string,
  accept: readonly string[],
  param?: string,
  asker?: MediaAsker,
) => Promise<Media>;

const NOBODY: MediaAsker = { key: "", room: null };

export interface MediaFetchOptions {
  readonly transport: Transport;
  /** The way to the servers; direct when absent. */
  readonly via?: Via;
  /** The proxy on the way lets nobody reach private addresses; false when absent. */
  readonly proxyRefusesPrivate?: boolean;
  /** The longest file. */
  readonly limitBytes: number;
  /** For the whole fetch: the wait for a turn, DNS, redirects and the body. */
  readonly timeoutMs: number;
  /** Fetches that run at once, 16 when absent; further ones wait, and their keys take turns. */
  readonly maxConcurrent?: number;
  /** All addresses of a host name; the system's resolver when absent. */
  readonly resolve?: Resolve;
  /** Allowed addresses; ports 80 and 443 of public addresses when absent. */
  readonly isAllowed?: (address: string | null, port: number) => boolean;
}

/** One fetch that runs. */
interface Fetching {
  readonly accept: readonly string[];
  readonly room: ByteRoom | null;
  readonly signal: AbortSignal;
}

interface Reply {
  readonly head: ReplyHead;
  readonly call: Call;
}

const OVER = new GatewayError("upstream_cut", "no more of the file is wanted");

/** The reason why a fetch failed; becomes a `GatewayError` that names the file and the field. */
class Refusal extends Error {
  readonly detail: string;

  /** `reason` is public, `detail` for the log. */
  constructor(reason: string, detail = "") {
    super(reason);
    this.detail = detail;
  }
}

/** Makes the fetch. All callers share its limits. */
export function makeMediaFetch(options: MediaFetchOptions): MediaFetch {
  const { limitBytes, timeoutMs, via = DIRECT, proxyRefusesPrivate = false } = options;
  const isAllowed = options.isAllowed ?? isAllowedAddress;
  const guard = { isAllowed, resolve: options.resolve, via, proxyRefusesPrivate };
  const turns = new Turns(options.maxConcurrent ?? MAX_CONCURRENT);

  async function fetchMedia(start: URL, fetching: Fetching): Promise<Media> {
    let target = start;
    for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects++) {
      const addresses = await allowedAddressesOf(target);
      fetching.signal.throwIfAborted();
      const reply = await send(options, target, addresses, fetching);
      try {
        if (!REDIRECTS.has(reply.head.status)) return await readMedia(reply, limitBytes, fetching);
        target = nextTarget(target, reply.head.headers.get("location"));
      } finally {
        reply.call.abort(OVER);
      }
    }
    throw new Refusal(`its server redirects more than ${MAX_REDIRECTS} times`);
  }

  /** Throws unless all of a host's addresses are allowed. undefined: the proxy on the way looks the name up. */
  async function allowedAddressesOf(target: URL): Promise<readonly string[] | undefined> {
    const guarded = await guardTarget(target, guard);
    if (guarded.isAllowed) return guarded.addresses;
    const { why, detail } = guarded;
    // An unknown name and a private one get the same words, or any client could tell them apart.
    const reason = "its host is not a public one, or its port is not 80 or 443";
    throw new Refusal(
      why === "unchecked" ? "this gateway may not fetch files by the name of their host" : reason,
      detail,
    );
  }

  return async (url, accept, param, { key, room } = NOBODY) => {
    const start = parseTarget(url, param);
    const abort = new AbortController();
    const fetching = { accept, room, signal: abort.signal };
    let hasTurn = false;
    async function work(): Promise<Media> {
      await turns.take(key);
      try {
        abort.signal.throwIfAborted();
        hasTurn = true;
        return await fetchMedia(start, fetching);
      } finally {
        turns.give(key);
      }
    }
    const late = Promise.withResolvers<never>();
    const timer = setTimeout(() => {
      const wait = `too many files are being fetched, and its turn did not come within ${timeoutMs} ms`;
      late.reject(new Refusal(hasTurn ? `it took longer than ${timeoutMs} ms` : wait));
      abort.abort();
    }, timeoutMs);
    try {
      return await Promise.race([work(), late.promise]);
    } catch (cause) {
      if (!(cause instanceof Refusal)) throw cause;
      throw badFile(`the file at ${start.origin} cannot be used: ${cause.message}`, param, cause.detail);
    } finally {
      clearTimeout(timer);
    }
  };
}

function badFile(problem: string, param: string | undefined, detail = ""): GatewayError {
  return new GatewayError("bad_request", `${problem}; send the file itself in base64 instead of its URL`, {
    ...(param === undefined ? {} : { param }),
    ...(detail === "" ? {} : { detail }),
  });
}

function parseTarget(text: string, param: string | undefined): URL {
  const target = text.length > MAX_URL_LENGTH ? null : URL.parse(text);
  const problem = target === null ? "is not valid or too long" : problemOf(target);
  if (target === null || problem !== null) throw badFile(`a file's URL ${problem}`, param);
  return target;
}

/** The fault of a URL that no look-up is needed for. */
function problemOf(target: URL): string | null {
  if (target.protocol !== "https:" && target.protocol !== "http:") return "is not an http or https URL";
  return target.username === "" && target.password === "" ? null : "holds a user name or password";
}

function nextTarget(from: URL, location: string | null): URL {
  const target =
    location === null || location.length > MAX_URL_LENGTH ? null : URL.parse(location, from.href);
  if (target === null || problemOf(target) !== null) {
    throw new Refusal("its server redirects to a URL that is not allowed");
  }
  if (from.protocol === "https:" && target.protocol === "http:") {
    throw new Refusal("its server redirects from https to http");
  }
  return target;
}

function isAllowedAddress(address: string | null, port: number): boolean {
  return (address === null || isPublicAddress(address)) && (port === 80 || port === 443);
}

/** Resolves with the reply's head. */
async function send(
  { transport, timeoutMs, via = DIRECT }: MediaFetchOptions,
  target: URL,
  addresses: readonly string[] | undefined,
  { accept, signal }: Fetching,
): Promise<Reply> {
  const call = transport.send({
    url: target.href,
    method: "GET",
    headers: [
      ["accept", accept.join(", ")],
      ["accept-encoding", "identity"],
      // Some servers refuse a request without a user agent.
      ["user-agent", "clewline"],
    ],
    body: null,
    via,
    ...(addresses === undefined ? {} : { addresses }),
    isCodingKept: true,
    connectTimeoutMs: timeoutMs,
    firstByteTimeoutMs: timeoutMs,
    idleTimeoutMs: timeoutMs,
    waiting: null,
  });
  signal.addEventListener("abort", () => call.abort(OVER), { once: true });
  const head = await headOf(call).catch((cause: unknown) => Promise.reject(refusalOf(cause)));
  return { head, call };
}

async function readMedia({ head, call }: Reply, limitBytes: number, fetching: Fetching): Promise<Media> {
  const { accept, room, signal } = fetching;
  const { status, headers } = head;
  if (status !== 200) throw new Refusal(`its server answers with status ${status}`);
  const coding = headers.get("content-encoding")?.trim().toLowerCase() ?? "";
  if (coding !== "" && coding !== "identity") {
    throw new Refusal("its server compresses it although that was not asked for", coding);
  }
  const declared = plainMediaType(headers.get("content-type") ?? "");
  if (!UNKNOWN_TYPES.has(declared)) acceptedType(declared, accept);
  if (Number(headers.get("content-length")) > limitBytes) throw tooLarge(limitBytes);
  const bytes = await new Promise<Uint8Array>((resolve, reject) => {
    // An aborted call tells its sink nothing.
    signal.addEventListener("abort", () => reject(OVER), { once: true });
    call.pipe(new GrowingBody({ limitBytes, room, resolve, reject }));
  });
  return { mimeType: acceptedType(sniffMediaType(bytes), accept), bytes };
}

/** Why there is no reply. The words say nothing about the network here. */
function refusalOf(cause: unknown): unknown {
  if (!(cause instanceof GatewayError)) return cause;
  const detail = cause.detail ?? cause.message;
  if (cause.kind === "proxy_failed") return new Refusal("the way to its server is broken", detail);
  if (/TLS certificate/.test(cause.message)) {
    return new Refusal("the TLS certificate of its server is not accepted", detail);
  }
  if (detail.startsWith("101")) return new Refusal("its server answers with status 101", detail);
  return new Refusal("its server cannot be reached", detail);
}

function tooLarge(limitBytes: number): Refusal {
  return new Refusal(`it is larger than ${limitBytes} bytes`);
}

/**
 * The type as `accept` spells it; null when it is not accepted. `shown` is null for bytes of an unknown type.
 */
function acceptedType(type: string | null, accept: readonly string[]): string {
  const spelled = accept.find((one) => plainMediaType(one) === type);
  if (spelled !== undefined) return spelled;
  const found = type !== null && TYPE.test(type) ? `of the type ${type}` : "of an unknown type";
  throw new Refusal(`it is ${found}, and only these are accepted here: ${accept.join(", ")}`);
}

interface GrowingBodyOptions {
  readonly limitBytes: number;
  readonly room: ByteRoom | null;
  readonly resolve: (bytes: Uint8Array) => void;
  readonly reject: (cause: Refusal | GatewayError) => void;
}

/**
 * Reads into one buffer that grows, so that a server that sends single bytes does not cost an object for
 * each.
 */
class GrowingBody implements BodySink {
  readonly #options: GrowingBodyOptions;
  #bytes: Uint8Array;
  #sizeBytes = 0;

  constructor(options: GrowingBodyOptions) {
    this.#options = options;
    this.#bytes = new Uint8Array(Math.min(FIRST_BUFFER_BYTES, options.limitBytes));
  }

  chunk(chunk: Uint8Array): boolean {
    const { limitBytes, room, reject } = this.#options;
    const endBytes = this.#sizeBytes + chunk.length;
    if (endBytes > limitBytes) {
      reject(tooLarge(limitBytes));
      return false;
    }
    if (endBytes > this.#bytes.length) {
      const sizeBytes = Math.min(Math.max(endBytes, this.#bytes.length * 2), limitBytes);
      // As base64, which takes the place of these bytes, the file is a third longer.
      if (room?.take(sizeBytes - this.#bytes.length) === false) {
        reject(memoryExhausted());
        return false;
      }
      const grown = new Uint8Array(sizeBytes);
      grown.set(this.#bytes.subarray(0, this.#sizeBytes));
      this.#bytes = grown;
    }
    this.#bytes.set(chunk, this.#sizeBytes);
    this.#sizeBytes = endBytes;
    return true;
  }

  end(error: GatewayError | null): void {
    const { resolve, reject } = this.#options;
    if (error === null) resolve(this.#bytes.subarray(0, this.#sizeBytes));
    else reject(new Refusal("its server broke off before its end", error.message));
  }
}

/** Lets a number of callers in at once, of one key a part of them; the others wait, and their keys take turns. */
class Turns {
  readonly #mostOfKey: number;
  #free: number;
  /** Those that are in. */
  readonly #running = new Map<string, number>();
  /** The key that has waited longest for its turn first. */
  readonly #waiting = new Map<string, Queue<() => void>>();

  constructor(count: number) {
    this.#free = count;
    this.#mostOfKey = Math.ceil(count * MOST_OF_KEY);
  }

  async take(key: string): Promise<void> {
    if (this.#free > 0 && this.#mayRun(key)) {
      this.#free--;
      this.#count(key, 1);
    } else await new Promise<void>((resolve) => addToQueue(this.#waiting, key, resolve));
  }

  give(key: string): void {
    this.#count(key, -1);
    this.#free++;
    for (const [next, queue] of this.#waiting) {
      if (!this.#mayRun(next)) continue;
      this.#free--;
      this.#count(next, 1);
      this.#waiting.delete(next);
      const go = queue.take();
      if (queue.first !== undefined) this.#waiting.set(next, queue);
      go?.();
      return;
    }
  }

  #mayRun(key: string): boolean {
    return (this.#running.get(key) ?? 0) < this.#mostOfKey;
  }

  #count(key: string, by: number): void {
    const count = (this.#running.get(key) ?? 0) + by;
    if (count === 0) this.#running.delete(key);
    else this.#running.set(key, count);
  }
}
