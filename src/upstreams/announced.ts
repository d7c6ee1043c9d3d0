/** The places in an error's body where a server may announce the end of a limit. */
import type { HeaderView } from "../core/header-view.ts";
import { isObject, type JsonObject } from "../core/json.ts";
import { wordOf } from "../wire/json.ts";

const MAX_HEADERS = 64;

/**
 * The objects of an error whose members may announce the end of its limit. `root` is the whole body, `error`
 * the error inside it. What a server repeats of the request stands elsewhere.
 */
export function announcingObjects(root: unknown, error: unknown): readonly JsonObject[] {
  const objects: JsonObject[] = [];
  const add = (value: unknown): void => {
    if (isObject(value)) objects.push(value);
  };
  add(error);
  if (root !== error) add(Array.isArray(root) ? root[0] : root);
  if (!isObject(error)) return objects;
  add(error.metadata);
  const details = Array.isArray(error.details) ? error.details : [error.details];
  for (const detail of details) {
    add(detail);
    if (isObject(detail)) add(detail.metadata);
  }
  return objects;
}

/** The headers that an error quotes from the reply of a server behind this one, in `metadata.headers`. */
export function quotedHeadersOf(error: unknown): HeaderView {
  const metadata = isObject(error) && isObject(error.metadata) ? error.metadata : {};
  const headers = isObject(metadata.headers) ? metadata.headers : {};
  const lines = Object.entries(headers)
    .slice(0, MAX_HEADERS)
    .map(([name, value]) => [name.toLowerCase(), wordOf(value)] as const);
  return {
    get: (name) => lines.find(([other]) => other === name)?.[1] ?? null,
    forEach(callback) {
      for (const [name, value] of lines) callback(value, name);
    },
  };
}
