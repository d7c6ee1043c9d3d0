/** Replaces the references in a JSON Schema by what they refer to, for targets that take no members beside them. */
import { isObject, type JsonObject } from "../../core/json.ts";
import { atPointer, checkDepth, mapMember } from "./schema-walk.ts";

/**
 * How much inlining may add to one request, in characters: a few definitions that refer to one another twice each would
 * grow without end, and so would many tools that each grow a little.
 */
export class InliningRoom {
  #leftChars = 1_000_000;

  get isUsedUp(): boolean {
    return this.#leftChars < 0;
  }

  take(chars: number): void {
    this.#leftChars -= chars;
  }
}

/**
 * The schema with its local references replaced by their targets; members beside a reference win. A reference
 * of a schema to itself stays, with the definitions that it needs. A schema that `room` does not suffice for is
 * returned unchanged.
 */
export function withoutLocalRefs(schema: JsonObject, room = new InliningRoom()): JsonObject {
  return new Inliner(schema, room).run();
}

class Inliner {
  readonly #root: JsonObject;
  readonly #room: InliningRoom;
  readonly #sizes = new Map<object, number>();
  /** Of the whole document; null: no reference has been met. */
  #recursive: ReadonlySet<JsonObject> | null = null;
  #keepsDefinitions = false;

  constructor(root: JsonObject, room: InliningRoom) {
    this.#root = root;
    this.#room = room;
  }

  run(): JsonObject {
    const { $defs, definitions, ...rest } = this.#root;
    const inlined = this.#inline(rest, 1);
    const kept = Object.entries({ $defs, definitions }).filter(([, value]) => value !== undefined);
    const members = this.#keepsDefinitions
      ? [...Object.entries(inlined), ...Object.entries(this.#inline(Object.fromEntries(kept), 1))]
      : Object.entries(inlined);
    return this.#room.isUsedUp ? this.#root : Object.fromEntries(members);
  }

  #inline(node: JsonObject, depth: number): JsonObject {
    checkDepth(depth);
    const target = typeof node.$ref === "string" ? this.#target(node.$ref) : null;
    if (target !== null) this.#room.take(this.#sizeOf(target));
    if (this.#room.isUsedUp) return node;
    const members: [string, unknown][] =
      target === null ? [] : Object.entries(this.#inline(target, depth + 1));
    // A chain of references copies these members once more at each of its links.
    if (target !== null) this.#room.take(members.length);
    const rebuild = (inner: JsonObject) => this.#inline(inner, depth + 1);
    for (const [name, value] of Object.entries(node)) {
      if (target === null || name !== "$ref") members.push([name, mapMember(name, value, rebuild, "")]);
    }
    return Object.fromEntries(members);
  }

  /** The schema to put in place of a reference; null: the reference stays. */
  #target(reference: string): JsonObject | null {
    const schema = atPointer(this.#root, reference);
    if (!isObject(schema)) return null;
    this.#recursive ??= recursiveSchemas(this.#root);
    if (!this.#recursive.has(schema)) return schema;
    this.#keepsDefinitions = true;
    return null;
  }

  /** About the length of the value as JSON. Each object is measured once. */
  #sizeOf(value: unknown): number {
    if (typeof value === "string") return value.length + 2;
    if (typeof value !== "object" || value === null) return 4;
    let size = this.#sizes.get(value);
    if (size === undefined) {
      size = 2;
      if (Array.isArray(value)) for (const inner of value) size += 1 + this.#sizeOf(inner);
      else for (const [name, inner] of Object.entries(value)) size += name.length + 4 + this.#sizeOf(inner);
      this.#sizes.set(value, size);
    }
    return size;
  }
}

/** A schema that the search has met. `low`: the earliest schema that it leads to and that is still open. */
interface Visit {
  readonly schema: JsonObject;
  readonly number: number;
  low: number;
  readonly next: readonly JsonObject[];
  nextAt: number;
  isOpen: boolean;
}

/**
 * The schemas that lead to themselves, by containment and local references. Linear: one search for strongly
 * connected components (Tarjan), without recursion.
 */
function recursiveSchemas(root: JsonObject): ReadonlySet<JsonObject> {
  const recursive = new Set<JsonObject>();
  const visits = new Map<JsonObject, Visit>();
  const path: Visit[] = [];
  const open: Visit[] = [];
  const enter = (schema: JsonObject): void => {
    const number = visits.size;
    const visit = { schema, number, low: number, next: nextOf(root, schema), nextAt: 0, isOpen: true };
    visits.set(schema, visit);
    path.push(visit);
    open.push(visit);
  };
  enter(root);
  for (let visit = path.at(-1); visit !== undefined; visit = path.at(-1)) {
    const next = visit.next[visit.nextAt++];
    if (next !== undefined) {
      const known = visits.get(next);
      if (known === undefined) enter(next);
      else if (known.isOpen) visit.low = Math.min(visit.low, known.number);
      if (known === visit) recursive.add(next);
      continue;
    }
    path.pop();
    const before = path.at(-1);
    if (before !== undefined) before.low = Math.min(before.low, visit.low);
    if (visit.low === visit.number) close(open, visit, recursive);
  }
  return recursive;
}

/** Takes the component that `first` began off the open visits. */
function close(open: Visit[], first: Visit, recursive: Set<JsonObject>): void {
  const isAlone = open.at(-1) === first;
  for (let member = open.pop(); member !== undefined; member = open.pop()) {
    member.isOpen = false;
    if (!isAlone) recursive.add(member.schema);
    if (member === first) return;
  }
}

function nextOf(root: JsonObject, schema: JsonObject): readonly JsonObject[] {
  const next: JsonObject[] = [];
  const target = typeof schema.$ref === "string" ? atPointer(root, schema.$ref) : undefined;
  if (isObject(target)) next.push(target);
  for (const [name, value] of Object.entries(schema)) mapMember(name, value, (inner) => next.push(inner), "");
  return next;
}
