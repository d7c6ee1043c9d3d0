/**
 * Answers with the admin's pages: one HTML page for every path that the pages route themselves, and the scripts and
 * style sheets that it names. All of it is the same for everybody and holds no data.
 */
import type { HeaderView } from "../core/header-view.ts";
import type { PackedFile, UiPack, UiPackSource } from "../http/ui-pack.ts";

const YEAR_S = 31_536_000;

/** Nothing from elsewhere, nothing inline, in no frame; strings do not become markup. */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data: blob:",
  "connect-src 'self'",
  "font-src 'self'",
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
].join("; ");

const SAFETY = {
  "content-security-policy": CONTENT_SECURITY_POLICY,
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
  "referrer-policy": "no-referrer",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
} as const;

interface UiRequest {
  readonly method: string;
  readonly headers: HeaderView;
}

/** `path`: what follows `/admin/`; "" for the page itself. */
export async function answerUiPage(
  source: UiPackSource,
  { method, headers }: UiRequest,
  path: string,
): Promise<Response> {
  const pack = await source.read();
  if (pack === null)
    return plainPage(
      503,
      "the pages of the admin are not built; run script/build-ui, then load this page again",
    );
  const file = findFile(pack, path);
  if (file === null) return plainPage(404, "the admin has no such file; load the page again");
  const cache = file.isHashed ? `public, max-age=${YEAR_S}, immutable` : "no-cache";
  const shared = { ...SAFETY, "cache-control": cache, etag: file.etag, vary: "accept-encoding" };
  if (isKnown(headers.get("if-none-match"), file.etag))
    return new Response(null, { status: 304, headers: shared });
  const coding = codingFor(headers.get("accept-encoding") ?? "");
  const body = pack.body(file, coding ?? "gzip");
  const described = {
    ...shared,
    "content-type": file.type,
    "content-length": String(coding === null ? file.sizeBytes : body.size),
    ...(coding === null ? {} : { "content-encoding": coding }),
  };
  if (method === "HEAD") return new Response(null, { headers: described });
  const sent = coding === null ? body.stream().pipeThrough(new DecompressionStream("gzip")) : body;
  return new Response(sent, { headers: described });
}

/** Every path that names no file belongs to the page itself, but for the folder of files. */
function findFile({ index }: UiPack, path: string): PackedFile | null {
  if (Object.hasOwn(index, path)) return index[path] as PackedFile;
  return path.startsWith("assets/") ? null : (index["index.html"] ?? null);
}

function isKnown(ifNoneMatch: string | null, etag: string): boolean {
  return (ifNoneMatch ?? "")
    .split(",")
    .map((one) => one.trim().replace(/^W\//, ""))
    .some((one) => one === etag || one === "*");
}

/** The best coding that a client takes; null: none of those that are stored. */
function codingFor(acceptEncoding: string): "br" | "gzip" | null {
  const taken = acceptEncoding
    .toLowerCase()
    .split(",")
    .filter((one) => !/;\s*q=0(?:\.0*)?\s*$/.test(one))
    .map((one) => one.split(";")[0]?.trim());
  return taken.includes("br") ? "br" : taken.includes("gzip") || taken.includes("*") ? "gzip" : null;
}

function plainPage(status: number, text: string): Response {
  const headers = { ...SAFETY, "content-type": "text/plain; charset=utf-8", "cache-control": "no-store" };
  return new Response(`${text}\n`, { status, headers });
}
