/** Images and documents by URL, fetched by the gateway for targets that cannot, where the configuration allows it. */
import { Buffer } from "node:buffer";
import { GatewayError } from "../core/errors.ts";
import type { Codec } from "../dialects/codec.ts";
import type { ClientRequest } from "../http/client-request.ts";
import type { Message, UserPart } from "../neutral/message.ts";
import type { ModelRequest } from "../neutral/request.ts";
import type { Gateway } from "../proxy/gateway.ts";

const ACCEPTED = {
  image: ["image/jpeg", "image/png", "image/gif", "image/webp"],
  document: ["application/pdf"],
} as const;

/** One request must not make the gateway ask half of the Internet, nor hold more than it could have brought itself. */
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

/** The files of one request, each fetched once, whatever is tried with it. */
export class MediaInliner {
  readonly #gateway: Pick<Gateway, "snapshot" | "fetchMedia">;
  readonly #client: ClientRequest;
  readonly #files = new Map<string, File>();
  #sizeBytes = 0;

  constructor(gateway: Pick<Gateway, "snapshot" | "fetchMedia">, client: ClientRequest) {
    this.#gateway = gateway;
    this.#client = client;
  }

  /** The request with such parts as base64. Throws `bad_request` naming the part that could not be fetched. */
  async inline(request: ModelRequest, codec: Codec): Promise<ModelRequest> {
    if (!this.#gateway.snapshot.config.media.fetch) return request;
    const missing = new Map<string, ForeignPart>();
    let isTouched = false;
    for (const message of request.messages) {
      for (const part of foreignPartsOf(message, codec)) {
        isTouched = true;
        if (!this.#files.has(keyOf(part))) missing.set(keyOf(part), part);
      }
    }
    if (!isTouched) return request;
    await this.#loadAll([...missing.values()]);
    return { ...request, messages: request.messages.map((message) => this.#inlined(message, codec)) };
  }

  async #loadAll(missing: readonly ForeignPart[]): Promise<void> {
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
          await this.#load(part);
        } catch (cause) {
          // What is fetched after the first failure is for nobody.
          at = missing.length;
          throw cause;
        }
      }
    };
    await Promise.all(Array.from({ length: MAX_CONCURRENT }, work));
  }

  async #load(part: ForeignPart): Promise<void> {
    const { bodyLimitBytes } = this.#gateway.snapshot.config.server;
    const { mimeType, bytes } = await this.#gateway.fetchMedia(part.source.url, ACCEPTED[part.type], part.at);
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

  #inlined(message: Message, codec: Codec): Message {
    if (message.role !== "user" || foreignPartsOf(message, codec).length === 0) return message;
    const inline = <T extends Part>(part: T): T => {
      if (part.type === "tool-result") return { ...part, content: part.content.map(inline) };
      const file = isForeign(part, codec) ? this.#files.get(keyOf(part)) : undefined;
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

function foreignPartsOf(message: Message, codec: Codec): ForeignPart[] {
  if (message.role !== "user") return [];
  const found: ForeignPart[] = [];
  for (const part of message.parts) {
    if (part.type !== "tool-result") {
      if (isForeign(part, codec)) found.push(part);
      continue;
    }
    for (const inner of part.content) if (isForeign(inner, codec)) found.push(inner);
  }
  return found;
}

function isForeign(part: Part, codec: Codec): part is ForeignPart {
  if (part.type !== "image" && part.type !== "document") return false;
  return part.source.kind === "url" && !codec.takesUrls.includes(part.type);
}
