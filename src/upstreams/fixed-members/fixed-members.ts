/** Members that each request to an upstream has, whoever asks, such as a company's proxy wants them. */
import type { JsonObject } from "../../core/json.ts";
import type { UpstreamRequestParts } from "../authorization.ts";
import { withMemberBytes } from "./member-bytes.ts";

const MASK = "***";

/** As the configuration has them. */
export interface FixedMembersConfig {
  readonly headers: readonly { readonly name: string; readonly value: string }[];
  readonly query: readonly { readonly name: string; readonly value: string }[];
  /** `json`: the text of a JSON value. */
  readonly body: readonly { readonly name: string; readonly json: string }[];
}

/** Values of headers and query parameters are secrets: never log them, never show them. */
export interface FixedMembers {
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** Names and values, each as it stands in a URL. */
  readonly query: readonly (readonly [name: string, value: string])[];
  readonly body: JsonObject | null;
}

/** null: the upstream has none, as most. */
export function makeFixedMembers({ headers, query, body }: FixedMembersConfig): FixedMembers | null {
  if (headers.length + query.length + body.length === 0) return null;
  return {
    headers: headers.map(({ name, value }) => [name, value] as const),
    query: query.map(({ name, value }) => [encodeURIComponent(name), encodeURIComponent(value)] as const),
    body:
      body.length === 0 ? null : Object.fromEntries(body.map(({ name, json }) => [name, JSON.parse(json)])),
  };
}

/** The same with words in the place of values that nobody may see. */
export function maskedMembers(fixed: FixedMembers | null): FixedMembers | null {
  if (fixed === null) return null;
  const mask = ([name]: readonly [string, string]) => [name, MASK] as const;
  return { ...fixed, headers: fixed.headers.map(mask), query: fixed.query.map(mask) };
}

/** The strings that no client may see: as they were written, and as they stand in a URL. */
export function secretsOf({ headers, query }: FixedMembersConfig): readonly string[] {
  return [...headers, ...query].flatMap(({ value }) => {
    const escaped = encodeURIComponent(value);
    return escaped === value ? [value] : [value, escaped];
  });
}

/** A request with the fixed members in the place of others of their names. */
export function withFixedMembers(
  parts: UpstreamRequestParts,
  fixed: FixedMembers | null,
): UpstreamRequestParts {
  return fixed === null ? parts : withMembers(parts, fixed);
}

function withMembers(parts: UpstreamRequestParts, fixed: FixedMembers): UpstreamRequestParts {
  const names = new Set(fixed.headers.map(([name]) => headerKey(name)));
  return {
    ...parts,
    url: withQuery(parts.url, fixed.query),
    headers: [...parts.headers.filter(([name]) => !names.has(headerKey(name))), ...fixed.headers],
    body: withBody(parts.body, fixed.body),
  };
}

/** Servers behind CGI and WSGI read `_` and `-` in a header's name as one. */
function headerKey(name: string): string {
  return name.toLowerCase().replaceAll("_", "-");
}

/** The name as a server reads it: escapes in a client's name must not make it another one. */
function nameOf(pair: string): string {
  for (const [name] of new URLSearchParams(pair)) return name;
  return "";
}

function withQuery(url: string, query: FixedMembers["query"]): string {
  if (query.length === 0) return url;
  const at = url.indexOf("?");
  const [path, search] = at < 0 ? [url, ""] : [url.slice(0, at), url.slice(at + 1)];
  const names = new Set(query.map(([name]) => nameOf(name)));
  const kept = search.split("&").filter((pair) => pair !== "" && !names.has(nameOf(pair)));
  return `${path}?${[...kept, ...query.map((pair) => pair.join("="))].join("&")}`;
}

/** Bodies that are no JSON object, such as forms with files, stay as they are. */
function withBody(body: Uint8Array | null, members: JsonObject | null): Uint8Array | null {
  return body === null || members === null ? body : (withMemberBytes(body, members) ?? body);
}
