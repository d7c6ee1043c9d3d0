/** Which members of a JSON value are to be found, and how a raw key is matched with them. */

import { BACKSLASH } from "./json-bytes.ts";

/** A key longer than this, as it stands in the bytes, names no member of a shape. */
export const MAX_KEY_BYTES = 256;

/** Members to find: `true` is the whole value, an object goes deeper, the key `*` means every element of an array. */
export type JsonShape = { readonly [key: string]: JsonShape | true };

/** A compiled {@link JsonShape}. */
export interface ShapeNode {
  /** The way from the root, such as `choices.*.finish_reason`; empty for the root. */
  readonly path: string;
  /** The last segment of the path. */
  readonly name: string;
  readonly element: ShapeNode | null;
  readonly members: readonly ShapeMember[];
}

interface ShapeMember {
  readonly key: Uint8Array;
  readonly node: ShapeNode;
}

/** Compiles a shape once, for any number of scanners. */
export function compileShape(shape: JsonShape, path = "", name = ""): ShapeNode {
  let element: ShapeNode | null = null;
  const members: ShapeMember[] = [];
  for (const [key, inner] of Object.entries(shape)) {
    const node = compileShape(inner === true ? {} : inner, path === "" ? key : `${path}.${key}`, key);
    if (key === "*") element = node;
    else members.push({ key: new TextEncoder().encode(key), node });
  }
  return { path, name, element, members };
}

/** The member of `node` that the raw key names; escapes in it count as what they stand for. */
export function matchMember(node: ShapeNode, bytes: Uint8Array, from: number, to: number): ShapeNode | null {
  const size = to - from;
  for (const member of node.members) {
    const key = member.key;
    if (key.length !== size) continue;
    let at = 0;
    while (at < size && key[at] === bytes[from + at]) at++;
    if (at === size) return member.node;
  }
  if (size > MAX_KEY_BYTES) return null;
  for (let at = from; at < to; at++) {
    if (bytes[at] === BACKSLASH) return matchEscapedKey(node, bytes.subarray(from, to));
  }
  return null;
}

function matchEscapedKey(node: ShapeNode, raw: Uint8Array): ShapeNode | null {
  let key: unknown;
  try {
    key = JSON.parse(`"${new TextDecoder().decode(raw)}"`);
  } catch {
    // A broken escape names no member; the receiver of the bytes will refuse them.
    return null;
  }
  return node.members.find((member) => member.node.name === key)?.node ?? null;
}
