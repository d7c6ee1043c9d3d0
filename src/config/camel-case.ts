/**
 * From the file's shape to the program's: `snake_case` keys become `camelCase`, and a key that is absent
 * becomes null.
 */
import type * as v from "valibot";
import { shapeOf } from "./schema-entries.ts";

type CamelKey<Key extends string> = Key extends `${infer Head}_${infer Tail}`
  ? `${Head}${Capitalize<CamelKey<Tail>>}`
  : Key;

type OrNull<Value> = undefined extends Value ? Camel<Exclude<Value, undefined>> | null : Camel<Value>;

/** A value of the file as the program sees it, readonly at every depth. */
export type Camel<Value> = Value extends readonly (infer Item)[]
  ? readonly Camel<Item>[]
  : Value extends object
    ? { readonly [Key in keyof Value & string as CamelKey<Key>]-?: OrNull<Value[Key]> }
    : Value;

/** `connect_timeout_ms` as `connectTimeoutMs`. */
export function camelKey(key: string): string {
  return key.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase());
}

/** Converts a value that the schema has accepted. */
export function toCamel<Schema extends v.GenericSchema>(
  schema: Schema,
  value: v.InferOutput<Schema>,
): Camel<v.InferOutput<Schema>> {
  return convert(schema, value) as Camel<v.InferOutput<Schema>>;
}

function convert(schema: v.GenericSchema, value: unknown): unknown {
  if (value === undefined) return null;
  const shape = shapeOf(schema);
  if (shape.kind === "list") return (value as readonly unknown[]).map((item) => convert(shape.item, item));
  if (shape.kind !== "table") return value;
  return Object.fromEntries(
    Object.entries(shape.entries).map(([key, entry]) => [
      camelKey(key),
      convert(entry, (value as Readonly<Record<string, unknown>>)[key]),
    ]),
  );
}
