/**
 * Keys of arguments for a model that accepts few characters in them (Claude): a legal alias for each other key of a
 * tool's schema, which takes its place in the schema and in the calls of the history, and is taken back in the
 * arguments that the model writes. Reversible within one tool, and the same for the same schema.
 */
import { isObject, type JsonObject } from "../../core/json.ts";
import { parseArguments } from "./json-text.ts";
import { freeName, legalName, lettersDigitsAnd, type NameRule } from "./legal-names.ts";
import { checkDepth, mapMember, openInner, pointerKey } from "./schema-walk.ts";

const KEY_CHARACTERS = lettersDigitsAnd("_.-");
/** Source: Claude's refusal of other keys ("Property keys should match pattern '^[a-zA-Z0-9_.-]{1,64}$'"). */
const KEY_RULE: NameRule = { isAllowed: (character) => KEY_CHARACTERS.has(character), maxChars: 64 };
/** The same for whole keys: nearly all are legal, and each request has hundreds of them. */
const LEGAL = /^[a-zA-Z0-9_.-]{1,64}$/;

/** Members of a schema whose values are examples of the data that it describes. */
const DATA = new Set(["default", "const", "enum", "example", "examples"]);
/** Members that list keys. */
const KEY_LISTS = new Set(["required", "propertyOrdering"]);
/** Members whose own members are named by keys. */
const KEYED = new Set(["properties", "dependentSchemas", "dependentRequired", "dependencies"]);

export class PropertyKeys {
  readonly #aliases = new Map<string, string>();
  readonly #originals = new Map<string, string>();

  /** null: the model accepts every key of the schema. */
  static of(schema: JsonObject): PropertyKeys | null {
    if (!hasOtherKeys(schema)) return null;
    const keys = keysIn(schema);
    const others = [...keys].filter((key) => !LEGAL.test(key));
    const found = new PropertyKeys();
    const taken = new Map([...keys].map((key) => [key, key]));
    for (const key of others) {
      const alias = freeName(legalName(key, KEY_RULE), key, taken, KEY_RULE.maxChars);
      taken.set(alias, key);
      found.#aliases.set(key, alias);
      found.#originals.set(alias, key);
    }
    return found;
  }

  /** The client's key; null: the key is no alias. */
  original(alias: string): string | null {
    return this.#originals.get(alias) ?? null;
  }

  /** The schema with the aliases: in keys, in what refers to keys, and in examples of data. */
  encodeSchema(schema: JsonObject, depth = 1): JsonObject {
    checkDepth(depth);
    const rebuild = (inner: unknown): unknown =>
      isObject(inner) ? this.encodeSchema(inner, depth + 1) : this.#keyList(inner);
    return Object.fromEntries(
      Object.entries(schema).map(([name, value]): [string, unknown] => {
        if (KEYED.has(name) && isObject(value))
          return [
            name,
            Object.fromEntries(
              Object.entries(value).map(([key, inner]) => [this.#alias(key), rebuild(inner)]),
            ),
          ];
        if (KEY_LISTS.has(name)) return [name, this.#keyList(value)];
        if (DATA.has(name)) return [name, this.encodeData(value, depth + 1)];
        if (name === "$ref" && typeof value === "string") return [name, this.#reference(value)];
        return [name, mapMember(name, value, (inner) => this.encodeSchema(inner, depth + 1), "")];
      }),
    );
  }

  /** Data that the schema describes, with the aliases. */
  encodeData(value: unknown, depth = 1): unknown {
    checkDepth(depth);
    if (Array.isArray(value)) return value.map((inner) => this.encodeData(inner, depth + 1));
    if (!isObject(value)) return value;
    return Object.fromEntries(
      Object.entries(value).map(([key, inner]) => [this.#alias(key), this.encodeData(inner, depth + 1)]),
    );
  }

  #alias(key: string): string {
    return this.#aliases.get(key) ?? key;
  }

  #keyList(value: unknown): unknown {
    if (!Array.isArray(value)) return value;
    return value.map((key) => (typeof key === "string" ? this.#alias(key) : key));
  }

  /** A pointer into the schema may lead through its keys. */
  #reference(reference: string): string {
    if (!reference.startsWith("#/")) return reference;
    const steps = reference.split("/");
    return steps
      .map((step, n) => {
        if (!KEYED.has(steps[n - 1] ?? "")) return step;
        const alias = this.#aliases.get(pointerKey(step));
        return alias ?? step;
      })
      .join("/");
  }
}

/** Whether the model refuses the key of some property in a schema. Without recursion. */
function hasOtherKeys(root: JsonObject): boolean {
  const open: JsonObject[] = [root];
  for (let schema = open.pop(); schema !== undefined; schema = open.pop()) {
    const { properties } = schema;
    if (isObject(properties)) for (const key in properties) if (!LEGAL.test(key)) return true;
    openInner(schema, open);
  }
  return false;
}

/** The keys of all properties in a schema, in the order in which a walk without recursion meets them. */
function keysIn(root: JsonObject): ReadonlySet<string> {
  const keys = new Set<string>();
  const open: JsonObject[] = [root];
  for (let schema = open.pop(); schema !== undefined; schema = open.pop()) {
    if (isObject(schema.properties)) for (const key of Object.keys(schema.properties)) keys.add(key);
    openInner(schema, open);
  }
  return keys;
}

/** Takes aliases back in the JSON text of arguments, which comes in pieces, split anywhere. */
export class KeyRestorer {
  readonly #keys: PropertyKeys;
  /** Whether each open container is an object, the innermost last. */
  readonly #objects: boolean[] = [];
  /** The next string is a key. */
  #isBeforeKey = false;
  #isInString = false;
  #isEscaped = false;
  /** The text of the open key, with its quote; null: no key is open. */
  #key: string | null = null;

  constructor(keys: PropertyKeys) {
    this.#keys = keys;
  }

  /** Takes the next piece; returns the text that is now certain, often "". */
  push(piece: string): string {
    let out = "";
    let from = 0;
    for (let at = 0; at < piece.length; at++) {
      const character = piece.charAt(at);
      if (!this.#isInString) {
        if (character === '"' && this.#isBeforeKey) {
          out += piece.slice(from, at);
          from = at;
          this.#key = "";
        }
        this.#stepBetween(character);
      } else if (this.#isEscaped) this.#isEscaped = false;
      else if (character === "\\") this.#isEscaped = true;
      else if (character === '"') {
        this.#isInString = false;
        if (this.#key === null) continue;
        out += this.#restored(this.#key + piece.slice(from, at + 1));
        from = at + 1;
        this.#key = null;
      }
    }
    const rest = piece.slice(from);
    if (this.#key === null) return out + rest;
    this.#key += rest;
    return out;
  }

  /** The rest of the text, at the end. */
  end(): string {
    return this.#key ?? "";
  }

  #stepBetween(character: string): void {
    switch (character) {
      case '"':
        this.#isInString = true;
        this.#isBeforeKey = false;
        break;
      case "{":
      case "[":
        this.#objects.push(character === "{");
        this.#isBeforeKey = character === "{";
        break;
      case "}":
      case "]":
        this.#objects.pop();
        this.#isBeforeKey = false;
        break;
      case ",":
        this.#isBeforeKey = this.#objects.at(-1) === true;
    }
  }

  #restored(text: string): string {
    // A broken escape is no key: the call is refused as it is.
    const [key] = Object.keys(parseArguments(`{${text}:0}`) ?? {});
    const original = key === undefined ? null : this.#keys.original(key);
    return original === null ? text : JSON.stringify(original);
  }
}
