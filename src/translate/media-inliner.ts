/**
 * Fetches images and documents that a request names by URL, for targets that take no URLs, where the
 * configuration allows it.
 */
import { Buffer } from "node:buffer";
import { GatewayError } from "../core/errors.ts";
import type { UrlMedia } from "../dialects/codec.ts";
import type { ClientRequest } from "../http/client-request.ts";
import type { Message, UserPart } from "../neutral/message.ts";
import type { ModelRequest } from "../neutral/request.ts";
import type { Snapshot } from "../snapshot.ts";
import type { MediaAsker, MediaFetch } from "../transport/media-fetch.ts";

const ACCEPTED = {
  image: ["image/jpeg", "image/png", "image/gif", "image/webp"],
  document: ["application/pdf"],
} as const;

/** Bounds on one request, so that it cannot make the gateway flood other servers. */
const MAX_FILES = 50;
const MAX_CONCURRENT = 4;

type Part = UserPart | Extract<UserPart, { type: "tool-result" }>["content"][number];
type ForeignPart = Extract<Part, { type: "image" | "document" }> & {
  readonly source: { readonly kind: "url"; readonly url: string };
};

interface File {
  readonly mimeType: string;
  /** Standard base64. */
  readonly data: string;
}

/** The parts of the gateway that a fetch uses. */
interface Fetcher {
  readonly snapshot: Snapshot;
  readonly fetchMedia: MediaFetch;
}

/** The files of one request. Each is fetched once, however many targets are tried. */
export class MediaInliner {
  readonly #gateway: Fetcher;
  readonly #client: ClientRequest;
  readonly #asker: MediaAsker;
  readonly #files = new Map<string, File>();
  #sizeBytes = 0;

  constructor(gateway: Fetcher, client: ClientRequest, asker: MediaAsker) {
    this.#gateway = gateway;
    this.#client = client;
    this.#asker = asker;
  }

  /**
   * The request with the files that the target does not take by URL as base64; a promise only when there are
   * such files. Rejects with `bad_request` that names the part whose file could not be fetched, or with `memory_exhausted`.
   */
  inline(request: ModelRequest, taken: UrlMedia): ModelRequest | Promise<ModelRequest> {
    const missing = new Map<string, ForeignPart>();
    let isTouched = false;
    for (const message of request.messages) {
      for (const part of foreignPartsOf(message, taken)) {
        isTouched = true;
        if (!this.#files.has(keyOf(part))) missing.set(keyOf(part), part);
      }
    }
    return isTouched ? this.#load(request, taken, [...missing.values()]) : request;
  }

  async #load(
    request: ModelRequest,
    taken: UrlMedia,
    missing: readonly ForeignPart[],
  ): Promise<ModelRequest> {
    await this.#fetchAll(missing);
    return { ...request, messages: request.messages.map((message) => this.#inlined(message, taken)) };
  }

  async #fetchAll(missing: readonly ForeignPart[]): Promise<void> {
    const tooMany = missing[MAX_FILES - this.#files.size];
    if (tooMany !== undefined) {
      throw tooMuch(`the request names more than ${MAX_FILES} files by URL`, tooMany);
    }
    if (missing.length === 0) return;
    this.#client.suspendIdleTimeout();
    let at = 0;
    const work = async (): Promise<void> => {
      for (let part = missing[at++]; part !== undefined; part = missing[at++]) {
        try {
          if (this.#client.request.signal.aborted) throw new GatewayError("upstream_cut", "the client left");
          await this.#fetchFile(part);
        } catch (cause) {
          // After the first failure nobody needs the other files.
          at = missing.length;
          throw cause;
        }
      }
    };
    await Promise.all(Array.from({ length: MAX_CONCURRENT }, work));
  }

  async #fetchFile(part: ForeignPart): Promise<void> {
    const { bodyLimitBytes } = this.#gateway.snapshot.config.server;
    const accept = ACCEPTED[part.type];
    const { mimeType, bytes } = await this.#gateway.fetchMedia(part.source.url, accept, part.at, this.#asker);
    const data = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64");
    this.#sizeBytes += data.length;
    if (this.#sizeBytes > bodyLimitBytes) {
      throw tooMuch(
        `the files that the request names by URL are together larger than ${bodyLimitBytes} bytes`,
        part,
      );
    }
    this.#files.set(keyOf(part), { mimeType, data });
  }

  #inlined(message: Message, taken: UrlMedia): Message {
    if (message.role !== "user" || foreignPartsOf(message, taken).length === 0) return message;
    const inline = <T extends Part>(part: T): T => {
      if (part.type === "tool-result") return { ...part, content: part.content.map(inline) };
      const file = isForeign(part, taken) ? this.#files.get(keyOf(part)) : undefined;
      return file === undefined ? part : { ...part, source: { kind: "base64", ...file } };
    };
    return { ...message, parts: message.parts.map(inline) };
  }
}

function tooMuch(problem: string, { at }: ForeignPart): GatewayError {
  return new GatewayError("bad_request", `${problem}; send some of them in base64, or in another request`, {
    param: at,
  });
}

function keyOf({ type, source }: ForeignPart): string {
  return `${type} ${source.url}`;
}

function foreignPartsOf(message: Message, taken: UrlMedia): ForeignPart[] {
  if (message.role !== "user") return [];
  const found: ForeignPart[] = [];
  for (const part of message.parts) {
    if (part.type !== "tool-result") {
      if (isForeign(part, taken)) found.push(part);
      continue;
    }
    for (const inner of part.content) if (isForeign(inner, taken)) found.push(inner);
  }
  return found;
}

function isForeign(part: Part, taken: UrlMedia): part is ForeignPart {
  if (part.type !== "image" && part.type !== "document") return false;
  return part.source.kind === "url" && !taken.includes(part.type);
}
