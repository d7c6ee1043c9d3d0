/** The path that a client asked for, in words for the client and the log. */
import { GatewayError } from "../core/errors.ts";

const MAX_CHARS = 200;
/** As long as a key, and no word of a path. */
const KEY_LIKE = /^(?=.*\d)(?=.*[a-z])[\w-]{30,}$/i;
const KEPT_CHARS = 8;

/** The path of a URL as it came. Bun gives a path in place of a URL for an invalid `Host`. */
export function pathOf(url: string): string {
  const from = url.startsWith("/") ? 0 : url.indexOf("/", url.indexOf("://") + 3);
  const end = url.search(/[?#]/);
  return from < 0 ? "/" : url.slice(from, end < 0 ? undefined : end);
}

/** Method and path of a request: without its query, and without what could be a key. */
export function askedText({ method, url }: Pick<Request, "method" | "url">): string {
  const path = pathOf(url)
    .split("/")
    .map((segment) => (KEY_LIKE.test(segment) ? `${segment.slice(0, KEPT_CHARS)}…` : segment))
    .join("/");
  return `${method} ${path.length > MAX_CHARS ? `${path.slice(0, MAX_CHARS)}…` : path}`;
}

/** `meant`: the path that the client may have meant; null: none is near. */
export function nothingHere(
  request: Pick<Request, "method" | "url">,
  meant: string | null = null,
): GatewayError {
  const repair =
    meant === null
      ? "docs/routes.md lists the routes"
      : `did you mean ${meant}? Then look at the client's base URL`;
  return new GatewayError("route_not_found", `there is nothing at ${askedText(request)}; ${repair}`);
}
