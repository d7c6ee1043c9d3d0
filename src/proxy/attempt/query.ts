/**
 * The query of a relayed request. Only parameters that the dialect documents go to the upstream: others steer
 * what a server answers (`alt=proto`, `callback`, `fields`), or show it a credential (`access_token`).
 */
import type { DialectName } from "../../dialects/dialect.ts";
import { DIALECTS } from "../../dialects/index.ts";
import type { Drop } from "../../neutral/request.ts";

const NO_MORE: readonly string[] = [];

/**
 * The query for the upstream, as the client wrote it, less what the dialect does not have. `more`: names that the operator
 * lets pass besides.
 */
export function queryFor(dialect: DialectName, search: string, more: readonly string[] = NO_MORE): string {
  return search.length < 2 ? "" : keptOf(dialect, search, more);
}

function keptOf(dialect: DialectName, search: string, more: readonly string[]): string {
  const kept = pairsOf(search).filter((pair) => isPassed(dialect, pair, more));
  return kept.length === 0 ? "" : `?${kept.join("&")}`;
}

const NOTHING: readonly Drop[] = [];

/** The parameters that `queryFor` leaves out. The client's own key is no part of its request. */
export function droppedFromQuery(
  dialect: DialectName,
  search: string,
  more: readonly string[] = NO_MORE,
): readonly Drop[] {
  return search.length < 2 ? NOTHING : leftOf(dialect, search, more);
}

function leftOf(dialect: DialectName, search: string, more: readonly string[]): readonly Drop[] {
  const left = pairsOf(search).filter((pair) => !isPassed(dialect, pair, more) && nameOf(pair) !== "key");
  return left.map((pair) => ({
    field: `?${nameOf(pair)}`,
    reason: "the provider's API documents no such query parameter, or not with this value",
  }));
}

/**
 * The client's query but for its own key. Nothing is decoded or put in order: bytes that are no UTF-8 would become the same,
 * and of a name that is there twice servers read the first or the last.
 */
export function ownQuery(search: string): string {
  if (search.length < 2) return "";
  return pairsOf(search)
    .filter((pair) => nameOf(pair) !== "key")
    .join("&");
}

function pairsOf(search: string): string[] {
  return search
    .slice(1)
    .split("&")
    .filter((pair) => pair !== "");
}

function isPassed(dialect: DialectName, pair: string, more: readonly string[]): boolean {
  const { queryParameters } = DIALECTS[dialect];
  const [name, value] = partsOf(pair);
  if (more.includes(name)) return true;
  return Object.hasOwn(queryParameters, name) && queryParameters[name]?.test(value) === true;
}

function nameOf(pair: string): string {
  return partsOf(pair)[0];
}

/** Name and value as a server reads them, escapes and all. */
function partsOf(pair: string): readonly [name: string, value: string] {
  for (const part of new URLSearchParams(pair)) return part;
  return ["", ""];
}
