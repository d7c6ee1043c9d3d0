/**
 * Where `main.ts` keeps the proxy variables of the environment: under their own names they would lead requests of the
 * runtime elsewhere.
 */

/** `HTTP_PROXY` is kept as `CLEWLINE_INTERNAL_PROXY_HTTP`. */
export function keptName(variable: string): string {
  return `CLEWLINE_INTERNAL_${variable.split("_").reverse().join("_")}`;
}

export const PROXY_VARIABLES = [
  "HTTP_PROXY",
  "http_proxy",
  "HTTPS_PROXY",
  "https_proxy",
  "ALL_PROXY",
  "all_proxy",
] as const;
