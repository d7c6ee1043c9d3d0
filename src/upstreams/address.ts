/** Joins an upstream's base URL and the path of a request, so that the version stands in the URL once. */

const VERSION_AT_END = /\/v\d+(?:(?:alpha|beta)\d*)?$/;
const VERSION_AT_START = /^\/v\d+(?:(?:alpha|beta)\d*)?(?=\/|$)/;
const BARE_ORIGIN = /^[a-z]+:\/\/[^/]+$/i;

function withoutSlash(baseUrl: string): string {
  let end = baseUrl.length;
  while (end > 0 && baseUrl.charCodeAt(end - 1) === 47) end--;
  return end === baseUrl.length ? baseUrl : baseUrl.slice(0, end);
}

/** The base's version replaces the path's. A base without a version leaves the path as it is. */
export function joinBaseVersion(baseUrl: string, path: string): string {
  const base = withoutSlash(baseUrl);
  return VERSION_AT_END.test(base) ? base + path.replace(VERSION_AT_START, "") : base + path;
}

/**
 * The path's version replaces the base's, because Google serves `/v1` and `/v1beta` with different fields.
 */
export function joinClientVersion(baseUrl: string, path: string): string {
  const base = withoutSlash(baseUrl);
  return VERSION_AT_START.test(path) ? base.replace(VERSION_AT_END, "") + path : base + path;
}

/**
 * Joins as OpenAI's SDKs do: the base leads to the folder of the endpoints (`/v1`, `/api/paas/v4`,
 * `/v1beta/openai`), so the path loses its version. A bare origin is a common slip and keeps the path's
 * version.
 */
export function joinWithoutVersion(baseUrl: string, path: string): string {
  const base = withoutSlash(baseUrl);
  return BARE_ORIGIN.test(base) ? base + path : base + path.replace(VERSION_AT_START, "");
}
