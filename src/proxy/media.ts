/** Images and documents by URL, fetched by the gateway for targets that cannot, where the configuration allows it. */
import { Buffer } from "node:buffer";
import type { Codec } from "../dialects/codec.ts";
import type { Message, UserPart } from "../model/message.ts";
import type { ModelRequest } from "../model/request.ts";
import type { Gateway } from "./gateway.ts";

const ACCEPTED = {
  image: ["image/jpeg", "image/png", "image/gif", "image/webp"],
  document: ["application/pdf"],
} as const;

type Part = UserPart | Extract<UserPart, { type: "tool-result" }>["content"][number];

/** The request with such parts as base64. Throws `bad_request` naming the part that could not be fetched. */
export async function inlineMedia(
  gateway: Pick<Gateway, "snapshot" | "fetchMedia">,
  request: ModelRequest,
  codec: Codec,
): Promise<ModelRequest> {
  if (!gateway.snapshot.config.media.fetch) return request;
  if (!request.messages.some((message) => hasForeignUrl(message, codec))) return request;
  const inline = async <T extends Part>(part: T): Promise<T> => {
    if (part.type === "tool-result") {
      return { ...part, content: await Promise.all(part.content.map(inline)) };
    }
    if (!isForeignUrl(part, codec)) return part;
    const { mimeType, bytes } = await gateway.fetchMedia(part.source.url, ACCEPTED[part.type], part.at);
    const data = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64");
    return { ...part, source: { kind: "base64", mimeType, data } };
  };
  const messages = await Promise.all(
    request.messages.map(
      async (message): Promise<Message> =>
        message.role === "user" && hasForeignUrl(message, codec)
          ? { ...message, parts: await Promise.all(message.parts.map(inline)) }
          : message,
    ),
  );
  return { ...request, messages };
}

function hasForeignUrl(message: Message, codec: Codec): boolean {
  return (
    message.role === "user" &&
    message.parts.some((part) =>
      part.type === "tool-result"
        ? part.content.some((inner) => isForeignUrl(inner, codec))
        : isForeignUrl(part, codec),
    )
  );
}

function isForeignUrl(
  part: Part,
  codec: Codec,
): part is Extract<Part, { type: "image" | "document" }> & { source: { kind: "url"; url: string } } {
  if (part.type !== "image" && part.type !== "document") return false;
  return part.source.kind === "url" && !codec.takesUrls.includes(part.type);
}
