/** A shape says which members of a JSON value to find. */
import { BACKSLASH } from "./json-bytes.ts";

/** A longer key, counted in its raw bytes, matches no member. */
export const MAX_KEY_BYTES = 256;

/**
 * The members to find: `true` is the whole value, an object goes deeper, the key `*` is every element of an
 * array.
 */
export type JsonShape = { readonly [key: string]: JsonShape | true };

export interface ShapeNode {
  /** The path from the root, such as `choices.*.finish_reason`; empty for the root. */
  readonly path: string;
  /** The last segment of the path. */
  readonly name: string;
  readonly element: ShapeNode | null;
  readonly members: readonly ShapeMember[];
  /** The members by the size of their keys, from 0 to that of the longest: most keys of a value match none. */
  readonly bySize: readonly (readonly ShapeMember[])[];
}

interface ShapeMember {
  readonly key: Uint8Array;
  readonly node: ShapeNode;
}

/** Shared: shapes have some thousands of leaves and of sizes without a key. */
const NO_MEMBERS: readonly ShapeMember[] = [];
const NO_SIZES: ShapeNode["bySize"] = [];

/** The compiled shape can serve any number of scanners. */
export function compileShape(shape: JsonShape, path = "", name = ""): ShapeNode {
  let element: ShapeNode | null = null;
  const members: ShapeMember[] = [];
  for (const [key, inner] of Object.entries(shape)) {
    const node = compileShape(inner === true ? {} : inner, path === "" ? key : `${path}.${key}`, key);
    if (key === "*") element = node;
    else members.push({ key: new TextEncoder().encode(key), node });
  }
  if (members.length === 0) return { path, name, element, members: NO_MEMBERS, bySize: NO_SIZES };
  return { path, name, element, members, bySize: bySize(members) };
}

function bySize(members: readonly ShapeMember[]): ShapeNode["bySize"] {
  const sizes: ShapeMember[][] = [];
  for (const member of members) {
    const of = sizes[member.key.length];
    if (of === undefined) sizes[member.key.length] = [member];
    else of.push(member);
  }
  return Array.from(sizes, (of) => of ?? NO_MEMBERS);
}

/** The member of `node` with this raw key. An escape in the key counts as its character. */
export function matchMember(node: ShapeNode, bytes: Uint8Array, from: number, to: number): ShapeNode | null {
  const size = to - from;
  const candidates = node.bySize[size];
  if (candidates !== undefined) {
    for (let i = 0; i < candidates.length; i++) {
      const member = candidates[i] as ShapeMember;
      const key = member.key;
      let at = 0;
      while (at < size && key[at] === bytes[from + at]) at++;
      if (at === size) return member.node;
    }
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
    // A key with a broken escape names no member. The receiver of the bytes refuses it.
    return null;
  }
  return node.members.find((member) => member.node.name === key)?.node ?? null;
}
