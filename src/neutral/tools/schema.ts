/**
 * Fits JSON Schemas to targets that accept only a part of the language. Keys are data: no schema is built by
 * assignment.
 */
import { isObject, type JsonObject } from "../../core/json.ts";
import { atPointer, checkDepth, entriesOf, mapMember, stringsOf } from "./schema-walk.ts";

/** The schema of a tool without arguments. */
const NO_ARGUMENTS: JsonObject = { type: "object", properties: {} };

const COMBINATORS = ["anyOf", "oneOf", "allOf"] as const;

/**
 * The schema with an object at its root, as tools need it: `$schema` removed, top-level combinators merged
 * into one object. A schema that already has this form is returned unchanged.
 */
export function objectRoot(schema: JsonObject | null): JsonObject {
  if (schema === null) return NO_ARGUMENTS;
  const isPlain =
    !COMBINATORS.some((name) => Object.hasOwn(schema, name)) && !Object.hasOwn(schema, "$schema");
  if (isPlain && schema.type === "object") return schema;
  const { $schema: _, anyOf, oneOf, allOf, type: __, ...rest } = schema;
  const branches: Branch[] = [];
  for (const [list, isAll] of [
    [allOf, true],
    [anyOf, false],
    [oneOf, false],
  ] as const) {
    if (Array.isArray(list)) branches.push({ isAll, schemas: list.map((each) => target(schema, each)) });
  }
  return { type: "object", ...rest, ...(branches.length === 0 ? null : mergedMembers(schema, branches)) };
}

interface Branch {
  readonly isAll: boolean;
  readonly schemas: readonly JsonObject[];
}

function mergedMembers(root: JsonObject, branches: readonly Branch[]): JsonObject {
  const properties = new Map<string, unknown>(entriesOf(root.properties));
  const required = new Set(stringsOf(root.required));
  for (const { isAll, schemas } of branches) {
    for (const schema of schemas) {
      for (const [name, value] of entriesOf(schema.properties)) {
        const former = properties.get(name);
        const isSame = former === undefined || JSON.stringify(former) === JSON.stringify(value);
        properties.set(name, isSame ? value : either(former, value));
      }
    }
    const lists = schemas.map((schema) => stringsOf(schema.required));
    const common = isAll
      ? lists.flat()
      : (lists[0] ?? []).filter((name) => lists.every((list) => list.includes(name)));
    for (const name of common) required.add(name);
  }
  return {
    properties: Object.fromEntries(properties),
    ...(required.size === 0 ? null : { required: [...required] }),
  };
}

function either(former: unknown, value: unknown): JsonObject {
  const known =
    isObject(former) && Array.isArray(former.anyOf) && Object.keys(former).length === 1
      ? former.anyOf
      : [former];
  return { anyOf: [...known, value] };
}

/** The schema of a branch, with a local reference replaced by its target. */
function target(root: JsonObject, schema: unknown): JsonObject {
  if (!isObject(schema)) return {};
  const found = typeof schema.$ref === "string" ? atPointer(root, schema.$ref) : null;
  return isObject(found) ? found : schema;
}

/** Keywords that a strict target accepts. */
const STRICT_KEYWORDS = new Set([
  "type",
  "title",
  "description",
  "enum",
  "const",
  "default",
  "$ref",
  "$defs",
  "definitions",
  "properties",
  "required",
  "items",
  "anyOf",
  "allOf",
]);
/** Keywords without a constraint. */
const SILENT_KEYWORDS = new Set([
  "$schema",
  "$id",
  "$comment",
  "$anchor",
  "deprecated",
  "readOnly",
  "writeOnly",
  "examples",
]);
const STRICT_FORMATS = new Set([
  "date-time",
  "time",
  "date",
  "duration",
  "email",
  "hostname",
  "uri",
  "ipv4",
  "ipv6",
  "uuid",
]);

/**
 * The schema in the subset that strict validation accepts: closed objects, and other constraints moved into
 * descriptions, so that the model still reads them. `moved` has the path of each moved constraint.
 */
export function strictSubset(schema: JsonObject): { schema: JsonObject; moved: string[] } {
  const moved: string[] = [];
  return { schema: strictNode(schema, "", 1, moved), moved };
}

function strictNode(node: JsonObject, path: string, depth: number, moved: string[]): JsonObject {
  checkDepth(depth);
  const kept: [string, unknown][] = [];
  const notes: string[] = [];
  const rebuild = (inner: JsonObject, innerPath: string) => strictNode(inner, innerPath, depth + 1, moved);
  for (const [name, value] of Object.entries(node)) {
    const memberPath = path === "" ? name : `${path}.${name}`;
    if (STRICT_KEYWORDS.has(name) || isStrictMember(name, value)) {
      kept.push([name, mapMember(name, value, rebuild, memberPath)]);
    } else if (name === "oneOf" && !Object.hasOwn(node, "anyOf")) {
      kept.push(["anyOf", mapMember(name, value, rebuild, memberPath)]);
      moved.push(memberPath);
    } else if (!SILENT_KEYWORDS.has(name) && !(name === "additionalProperties" && value === false)) {
      notes.push(`${name}: ${JSON.stringify(value)}`);
      moved.push(memberPath);
    }
  }
  if (isObjectSchema(node)) kept.push(["additionalProperties", false]);
  if (notes.length === 0) return Object.fromEntries(kept);
  const description =
    typeof node.description === "string" && node.description !== "" ? `${node.description} ` : "";
  return Object.fromEntries([
    ...kept.filter(([name]) => name !== "description"),
    ["description", `${description}(${notes.join(", ")})`],
  ]);
}

function isStrictMember(name: string, value: unknown): boolean {
  if (name === "minItems") return value === 0 || value === 1;
  return name === "format" && typeof value === "string" && STRICT_FORMATS.has(value);
}

function isObjectSchema({ type, properties }: JsonObject): boolean {
  return (
    type === "object" ||
    (Array.isArray(type) && type.includes("object")) ||
    (type === undefined && isObject(properties))
  );
}

/**
 * Most characters that inlining may add: a few definitions that refer to one another twice each would grow
 * without end.
 */
const MAX_GROWTH_CHARS = 1_000_000;
/** Most schemas that the search for recursion visits. */
const MAX_STEPS = 1_000_000;

/**
 * The schema with its local references replaced by their targets; members beside a reference win. A reference
 * of a schema to itself stays, with the definitions that it needs. A schema that would become huge is
 * returned unchanged.
 */
export function withoutLocalRefs(schema: JsonObject): JsonObject {
  return new Inliner(schema).run();
}

interface Target {
  readonly schema: JsonObject;
  readonly isRecursive: boolean;
  readonly sizeChars: number;
}

class Inliner {
  readonly #targets = new Map<string, Target | null>();
  #hasRecursion = false;
  #growthChars = 0;
  #steps = 0;
  readonly #root: JsonObject;

  constructor(root: JsonObject) {
    this.#root = root;
  }

  run(): JsonObject {
    const { $defs, definitions, ...rest } = this.#root;
    const inlined = this.#inline(rest, 1);
    const kept = Object.entries({ $defs, definitions }).filter(([, value]) => value !== undefined);
    const members = this.#hasRecursion
      ? [...Object.entries(inlined), ...Object.entries(this.#inline(Object.fromEntries(kept), 1))]
      : Object.entries(inlined);
    return this.#isHuge() ? this.#root : Object.fromEntries(members);
  }

  #inline(node: JsonObject, depth: number): JsonObject {
    checkDepth(depth);
    const target = typeof node.$ref === "string" ? this.#target(node.$ref) : null;
    const isInlined = target !== null && !target.isRecursive;
    if (isInlined) this.#growthChars += target.sizeChars;
    if (this.#isHuge()) return node;
    const members: [string, unknown][] = isInlined
      ? Object.entries(this.#inline(target.schema, depth + 1))
      : [];
    const rebuild = (inner: JsonObject) => this.#inline(inner, depth + 1);
    for (const [name, value] of Object.entries(node)) {
      if (!isInlined || name !== "$ref") members.push([name, mapMember(name, value, rebuild, "")]);
    }
    return Object.fromEntries(members);
  }

  #isHuge(): boolean {
    return this.#growthChars > MAX_GROWTH_CHARS || this.#steps > MAX_STEPS;
  }

  #target(reference: string): Target | null {
    const known = this.#targets.get(reference);
    if (known !== undefined) return known;
    const schema = atPointer(this.#root, reference);
    let target: Target | null = null;
    if (isObject(schema)) {
      const isRecursive = this.#leadsToItself(schema);
      if (isRecursive) this.#hasRecursion = true;
      target = { schema, isRecursive, sizeChars: isRecursive ? 0 : JSON.stringify(schema).length };
    }
    this.#targets.set(reference, target);
    return target;
  }

  #leadsToItself(start: JsonObject): boolean {
    const seen = new Set<JsonObject>();
    const open: JsonObject[] = [start];
    for (let node = open.pop(); node !== undefined && this.#steps <= MAX_STEPS; node = open.pop()) {
      this.#steps++;
      const next: JsonObject[] = [];
      const target = typeof node.$ref === "string" ? atPointer(this.#root, node.$ref) : undefined;
      if (isObject(target)) next.push(target);
      for (const [name, value] of Object.entries(node))
        mapMember(name, value, (inner) => next.push(inner), "");
      for (const each of next) {
        if (each === start) return true;
        if (seen.has(each)) continue;
        seen.add(each);
        open.push(each);
      }
    }
    return false;
  }
}
