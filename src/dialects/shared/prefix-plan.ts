/** Where the stable prefix of a dialect's requests stands: what a provider's prompt cache compares, in its order. */
import { compileShape, type JsonShape, type ShapeNode } from "../../wire/json-shape.ts";

/**
 * What a member is to the prefix. `head`: before all turns. `turn`: one turn, or a part of it. `role`: whose turn it
 * is. `mark`: the client asks the provider to keep the prefix up to here. `life`: for how long. `key`: the client's own
 * name for the prefix.
 */
export type PrefixPart = "head" | "turn" | "role" | "mark" | "life" | "key";

export interface PrefixPlan {
  readonly shape: ShapeNode;
  /** By the path of a node without children. */
  readonly parts: ReadonlyMap<ShapeNode, PrefixPart>;
  /** The list of turns. */
  readonly turns: ShapeNode;
  /** Whether a text of the head, with its quotes, is no part of the prompt. */
  readonly isOutside: ((bytes: Uint8Array, from: number) => boolean) | null;
}

export interface PrefixShape {
  /** Members of the root before all turns, in any order. */
  readonly head: JsonShape;
  /** The member of the root with the turns. */
  readonly turns: string;
  /** The parts of a turn; true: the turn is taken as it stands. */
  readonly turn: JsonShape | true;
  /** Other members of the root. */
  readonly others: JsonShape;
  readonly isOutside?: (bytes: Uint8Array, from: number) => boolean;
}

/** Names that mean the same wherever they stand. */
const NAMED: Readonly<Record<string, PrefixPart>> = {
  cache_control: "mark",
  prompt_cache_breakpoint: "mark",
  ttl: "life",
  prompt_cache_retention: "life",
  prompt_cache_key: "key",
};

export function prefixPlan({ head, turns, turn, others, isOutside }: PrefixShape): PrefixPlan {
  const shape = compileShape({ ...others, ...head, [turns]: { "*": turn } });
  const parts = new Map<ShapeNode, PrefixPart>();
  for (const { node } of shape.members) {
    if (node.name === turns) addParts(parts, node, "turn");
    else addParts(parts, node, Object.hasOwn(head, node.name) ? "head" : null);
  }
  const list = shape.members.find(({ node }) => node.name === turns)?.node as ShapeNode;
  return { shape, parts, turns: list, isOutside: isOutside ?? null };
}

/** `within`: what all that has no name of its own belongs to; null: nothing does. */
function addParts(parts: Map<ShapeNode, PrefixPart>, node: ShapeNode, within: PrefixPart | null): void {
  const isRole = within === "turn" && /^[^.]+\.\*\.role$/.test(node.path);
  const part = isRole ? "role" : Object.hasOwn(NAMED, node.name) ? (NAMED[node.name] as PrefixPart) : within;
  if (part !== null) parts.set(node, part);
  if (node.element !== null) addParts(parts, node.element, within);
  for (const member of node.members) addParts(parts, member.node, within);
}
