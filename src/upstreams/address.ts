/** How a family joins an upstream's base URL and the path that the client asked for. */

const VERSION_AT_END = /\/v\d+(?:(?:alpha|beta)\d*)?$/;
const VERSION_AT_START = /^\/v\d+(?:(?:alpha|beta)\d*)?(?=\/|$)/;
const BARE_ORIGIN = /^[a-z]+:\/\/[^/]+$/i;

function withoutSlash(baseUrl: string): string {
  let end = baseUrl.length;
  while (end > 0 && baseUrl.charCodeAt(end - 1) === 47) end--;
  return end === baseUrl.length ? baseUrl : baseUrl.slice(0, end);
}

/** The base's version, when it has one, replaces the path's; otherwise the path is appended as it is. */
export function joinBaseVersion(baseUrl: string, path: string): string {
  const base = withoutSlash(baseUrl);
  return VERSION_AT_END.test(base) ? base + path.replace(VERSION_AT_START, "") : base + path;
}

/** The client's version replaces the base's: Google serves `/v1` and `/v1beta` with different fields. */
export function joinClientVersion(baseUrl: string, path: string): string {
  const base = withoutSlash(baseUrl);
  return VERSION_AT_START.test(path) ? base.replace(VERSION_AT_END, "") + path : base + path;
}

/**
 * As OpenAI's SDKs join: the base already leads to the folder of the endpoints, whatever it is called (`/v1`, `/api/paas/v4`,
 * `/v1beta/openai`). Only a bare origin, a common slip, gets the path's own version.
 */
export function joinWithoutVersion(baseUrl: string, path: string): string {
  const base = withoutSlash(baseUrl);
  return BARE_ORIGIN.test(base) ? base + path : base + path.replace(VERSION_AT_START, "");
}
