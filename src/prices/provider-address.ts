/**
 * Addresses of providers in a price list: a host and perhaps the start of a path, with `*` for one label of the
 * host or one segment of the path, as in `api.openai.com` or `*.cloud.databricks.com/serving-endpoints`. Labels
 * and segments are compared as wholes, so that no other host begins or ends like one of a list.
 */

const ADDRESS = /^(?:(?:\*|[a-z0-9-]+)\.)*[a-z0-9-]+\.[a-z][a-z0-9-]*(?:\/(?:\*|[\w.-]+))*$/;

/** A base URL in parts, none of them empty but where the URL has nothing between two dots. */
export interface UrlPlace {
  readonly labels: readonly string[];
  readonly segments: readonly string[];
}

/** The last two labels of the host must be names. */
export function isProviderAddress(text: string): boolean {
  return ADDRESS.test(text);
}

/** null: no provider is at such a URL, or the text is no URL. */
export function placeOfUrl(baseUrl: string): UrlPlace | null {
  const url = URL.parse(baseUrl);
  if (url === null || url.protocol !== "https:") return null;
  return {
    // `api.openai.com.` is the same host.
    labels: url.hostname.replace(/\.$/, "").split("."),
    segments: url.pathname.split("/").filter((segment) => segment !== ""),
  };
}

export function isAtAddress({ labels, segments }: UrlPlace, address: string): boolean {
  const [host = "", ...path] = address.split("/");
  const names = host.split(".");
  return names.length === labels.length && startsWith(labels, names) && startsWith(segments, path);
}

function startsWith(parts: readonly string[], start: readonly string[]): boolean {
  return start.every((name, index) => {
    const part = parts[index] ?? "";
    return name === "*" ? part !== "" : name === part;
  });
}
