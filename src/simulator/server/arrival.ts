// Reads and decodes a request's body, and refuses a body that cannot be read.

import type { IncomingMessage } from "node:http";
import { brotliDecompressSync, gunzipSync, inflateSync, zstdDecompressSync } from "node:zlib";
import { isRecord, type JsonRecord } from "../base/json.ts";
import { anthropicRefusal, geminiRefusal, openaiRefusal, Refusal, type Vendor } from "../base/refusal.ts";
import type { SeenRequest } from "./recorder.ts";

const MAX_BODY_BYTES = 32 * 1024 * 1024;

/** A request before its body is parsed. */
export interface Arrival {
  readonly verb: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly body: Buffer;
  readonly isTooLarge: boolean;
  readonly seen: SeenRequest;
  header(name: string): string | undefined;
}

/** Reads a too large body to its end as well, so that the refusal reaches a client that is still writing. */
export async function readBody(request: IncomingMessage): Promise<{ body: Buffer; isTooLarge: boolean }> {
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  try {
    for await (const chunk of request) {
      const bytes = chunk as Buffer;
      sizeBytes += bytes.length;
      if (sizeBytes <= MAX_BODY_BYTES) {
        chunks.push(bytes);
      }
    }
  } catch (error) {
    // The recorder notices a client that leaves while it writes; the bytes received so far are the body.
    if (!request.destroyed) {
      throw error;
    }
  }
  return { body: Buffer.concat(chunks), isTooLarge: sizeBytes > MAX_BODY_BYTES };
}

/** `text`: the body before parsing. */
export type ParsedBody =
  | { body: JsonRecord; text: string; problem?: undefined }
  | { body?: undefined; text?: undefined; problem: string };

export function parseBody(arrival: Arrival): ParsedBody {
  if (arrival.verb !== "POST" || (arrival.body.length === 0 && arrival.path.endsWith("/cancel"))) {
    return { body: {}, text: "" };
  }
  try {
    const text = decoded(arrival.body, arrival.header("content-encoding")).toString("utf8");
    const value: unknown = JSON.parse(text);
    return isRecord(value) ? { body: value, text } : { problem: "the body is no JSON object" };
  } catch (error) {
    return { problem: error instanceof Error ? error.message : String(error) };
  }
}

const LIMIT = { maxOutputLength: MAX_BODY_BYTES };

function decoded(body: Buffer, encoding: string | undefined): Buffer {
  switch (encoding) {
    case undefined:
    case "identity":
      return body;
    case "gzip":
      return gunzipSync(body, LIMIT);
    case "deflate":
      return inflateSync(body, LIMIT);
    case "br":
      return brotliDecompressSync(body, LIMIT);
    case "zstd":
      return zstdDecompressSync(body, LIMIT);
    default:
      throw new Error(`content-encoding ${encoding} is not known`);
  }
}

export function tooLarge(vendor: Vendor): Refusal {
  switch (vendor) {
    case "anthropic":
      return anthropicRefusal("request_too_large", "Request exceeds the maximum size");
    case "gemini":
      return geminiRefusal(
        400,
        "INVALID_ARGUMENT",
        "Request payload size exceeds the limit: 33554432 bytes.",
      );
    case "openai":
      return openaiRefusal(413, {
        message: "Request body is too large. Maximum size is 32 MB.",
        code: "request_too_large",
      });
  }
}

export function notFound(vendor: Vendor, verb: string, path: string): Refusal {
  switch (vendor) {
    case "anthropic":
      return anthropicRefusal("not_found_error", "Not Found");
    case "gemini":
      return new Refusal(404, `<html><title>Error 404 (Not Found)!!1</title></html>\n`, {
        "content-type": "text/html",
      });
    case "openai":
      return openaiRefusal(404, { message: `Invalid URL (${verb} ${path})` });
  }
}

export function badJson(vendor: Vendor, problem: string): Refusal {
  switch (vendor) {
    case "anthropic":
      return anthropicRefusal("invalid_request_error", `The request body is not valid JSON: ${problem}`);
    case "gemini":
      return geminiRefusal(400, "INVALID_ARGUMENT", `Invalid JSON payload received. ${problem}`);
    case "openai":
      return openaiRefusal(400, {
        message: `We could not parse the JSON body of your request. (HINT: This likely means you aren't using your HTTP library correctly. The OpenAI API expects a JSON payload, but what was sent was not valid JSON: ${problem})`,
      });
  }
}
