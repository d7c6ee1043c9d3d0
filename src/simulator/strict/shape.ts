// A small language for tables of request fields: the allowed form of a body, and the first violation in a
// body. The language knows no vendor's wording; each dialect words a problem as its provider does.

import { isRecord, type JsonRecord } from "../base/json.ts";

export type Shape =
  | {
      readonly kind: "string";
      readonly min?: number;
      readonly max?: number;
      readonly pattern?: RegExp;
      readonly oneOf?: readonly string[];
    }
  | { readonly kind: "number"; readonly min?: number; readonly max?: number; readonly integer?: boolean }
  | { readonly kind: "boolean" }
  | { readonly kind: "null" }
  | { readonly kind: "any" }
  | { readonly kind: "list"; readonly of: Shape; readonly min?: number; readonly max?: number }
  | { readonly kind: "map"; readonly of: Shape; readonly max?: number }
  | {
      readonly kind: "record";
      readonly required: Readonly<Record<string, Shape>>;
      readonly optional: Readonly<Record<string, Shape>>;
      readonly open: boolean;
    }
  | { readonly kind: "union"; readonly of: readonly Shape[] }
  | {
      readonly kind: "tagged";
      readonly tag: string;
      readonly cases: Readonly<Record<string, Shape>>;
      readonly absent?: string;
    };

export type ProblemKind =
  | "missing"
  | "unknown"
  | "type"
  | "value"
  | "too-small"
  | "too-large"
  | "too-short"
  | "too-long"
  | "pattern";

export interface Problem {
  readonly kind: ProblemKind;
  readonly path: readonly (string | number)[];
  /** The expected kind of JSON: "string", "integer", "list", … */
  readonly expected: string;
  /** The actual value. */
  readonly found: unknown;
  /** The violated bound; absent for kinds without a bound. */
  readonly limit?: number;
  /** The allowed values, for kind "value". */
  readonly allowed?: readonly string[];
  readonly pattern?: RegExp;
}

export const any: Shape = { kind: "any" };
export const boolean: Shape = { kind: "boolean" };
const nothing: Shape = { kind: "null" };

export function string(limits: { min?: number; max?: number; pattern?: RegExp } = {}): Shape {
  return { kind: "string", ...limits };
}

export function oneOf(...values: readonly string[]): Shape {
  return { kind: "string", oneOf: values };
}

export function number(min?: number, max?: number): Shape {
  return { kind: "number", ...(min === undefined ? {} : { min }), ...(max === undefined ? {} : { max }) };
}

export function integer(min?: number, max?: number): Shape {
  return { ...number(min, max), kind: "number", integer: true };
}

export function list(of: Shape, limits: { min?: number; max?: number } = {}): Shape {
  return { kind: "list", of, ...limits };
}

export function map(of: Shape, max?: number): Shape {
  return { kind: "map", of, ...(max === undefined ? {} : { max }) };
}

/** A record with every required field, any optional fields, and no other field. */
export function record(required: Record<string, Shape>, optional: Record<string, Shape> = {}): Shape {
  return { kind: "record", required, optional, open: false };
}

/** A record whose other fields are not checked. */
export function openRecord(required: Record<string, Shape>, optional: Record<string, Shape> = {}): Shape {
  return { kind: "record", required, optional, open: true };
}

/** Any of several shapes; the kind of JSON selects the shape. */
export function union(...of: readonly Shape[]): Shape {
  return { kind: "union", of };
}

export function nullable(of: Shape): Shape {
  return union(of, nothing);
}

/**
 * Records; the value of one field selects the shape. `absent` is the shape for a record without that field.
 */
export function tagged(tag: string, cases: Record<string, Shape>, absent?: string): Shape {
  return { kind: "tagged", tag, cases, ...(absent === undefined ? {} : { absent }) };
}

/** The first violation in the value, depth first in the order of the body; undefined if the value fits. */
export function findProblem(
  shape: Shape,
  value: unknown,
  path: readonly (string | number)[] = [],
): Problem | undefined {
  if (!isOfKind(shape, value)) {
    return { kind: "type", path, expected: kindName(shape), found: value };
  }
  switch (shape.kind) {
    case "any":
    case "boolean":
    case "null":
      return undefined;
    case "string":
      return stringProblem(shape, String(value), path);
    case "number":
      return numberProblem(shape, Number(value), path);
    case "list":
      return listProblem(shape, value as readonly unknown[], path);
    case "map":
      return mapProblem(shape, value as JsonRecord, path);
    case "record":
      return recordProblem(shape, value as JsonRecord, path);
    case "tagged":
      return taggedProblem(shape, value as JsonRecord, path);
    case "union":
      return unionProblem(shape.of, value, path);
  }
}

function isOfKind(shape: Shape, value: unknown): boolean {
  switch (shape.kind) {
    case "any":
      return true;
    case "null":
      return value === null;
    case "list":
      return Array.isArray(value);
    case "map":
    case "record":
    case "tagged":
      return isRecord(value);
    case "number":
      return typeof value === "number" && (!shape.integer || Number.isInteger(value));
    case "string":
    case "boolean":
      return typeof value === shape.kind;
    case "union":
      return shape.of.some((member) => isOfKind(member, value));
  }
}

function kindName(shape: Shape): string {
  if (shape.kind === "union") {
    return shape.of
      .filter((member) => member.kind !== "null")
      .map(kindName)
      .join(" or ");
  }
  if (shape.kind === "number") {
    return shape.integer ? "integer" : "number";
  }
  return shape.kind === "map" || shape.kind === "record" || shape.kind === "tagged" ? "object" : shape.kind;
}

function stringProblem(
  shape: Extract<Shape, { kind: "string" }>,
  value: string,
  path: Problem["path"],
): Problem | undefined {
  const base = { path, expected: "string", found: value };
  if (shape.oneOf !== undefined && !shape.oneOf.includes(value)) {
    return { ...base, kind: "value", allowed: shape.oneOf };
  }
  if (shape.min !== undefined && value.length < shape.min) {
    return { ...base, kind: "too-short", limit: shape.min };
  }
  if (shape.max !== undefined && value.length > shape.max) {
    return { ...base, kind: "too-long", limit: shape.max };
  }
  if (shape.pattern !== undefined && !shape.pattern.test(value)) {
    return { ...base, kind: "pattern", pattern: shape.pattern };
  }
  return undefined;
}

function numberProblem(
  shape: Extract<Shape, { kind: "number" }>,
  value: number,
  path: Problem["path"],
): Problem | undefined {
  const base = { path, expected: kindName(shape), found: value };
  if (shape.min !== undefined && value < shape.min) {
    return { ...base, kind: "too-small", limit: shape.min };
  }
  if (shape.max !== undefined && value > shape.max) {
    return { ...base, kind: "too-large", limit: shape.max };
  }
  return undefined;
}

function listProblem(
  shape: Extract<Shape, { kind: "list" }>,
  value: readonly unknown[],
  path: Problem["path"],
): Problem | undefined {
  const base = { path, expected: "list", found: value };
  if (shape.min !== undefined && value.length < shape.min) {
    return { ...base, kind: "too-short", limit: shape.min };
  }
  if (shape.max !== undefined && value.length > shape.max) {
    return { ...base, kind: "too-long", limit: shape.max };
  }
  return firstProblem(value.entries(), ([index, item]) => findProblem(shape.of, item, [...path, index]));
}

function mapProblem(
  shape: Extract<Shape, { kind: "map" }>,
  value: JsonRecord,
  path: Problem["path"],
): Problem | undefined {
  const entries = Object.entries(value);
  if (shape.max !== undefined && entries.length > shape.max) {
    return { kind: "too-long", path, expected: "object", found: value, limit: shape.max };
  }
  return firstProblem(entries, ([name, item]) => findProblem(shape.of, item, [...path, name]));
}

function recordProblem(
  shape: Extract<Shape, { kind: "record" }>,
  value: JsonRecord,
  path: Problem["path"],
): Problem | undefined {
  const missing = Object.keys(shape.required).find((name) => !Object.hasOwn(value, name));
  if (missing !== undefined) {
    return { kind: "missing", path: [...path, missing], expected: "any", found: undefined };
  }
  return firstProblem(Object.entries(value), ([name, item]) => {
    const field = fieldOf(shape, name);
    if (field !== undefined) {
      return findProblem(field, item, [...path, name]);
    }
    return shape.open
      ? undefined
      : { kind: "unknown", path: [...path, name], expected: "nothing", found: item };
  });
}

function fieldOf(shape: Extract<Shape, { kind: "record" }>, name: string): Shape | undefined {
  if (Object.hasOwn(shape.required, name)) {
    return shape.required[name];
  }
  return Object.hasOwn(shape.optional, name) ? shape.optional[name] : undefined;
}

function taggedProblem(
  shape: Extract<Shape, { kind: "tagged" }>,
  value: JsonRecord,
  path: Problem["path"],
): Problem | undefined {
  const tag = value[shape.tag] ?? shape.absent;
  const where = [...path, shape.tag];
  if (tag === undefined) {
    return { kind: "missing", path: where, expected: "string", found: undefined };
  }
  const member = typeof tag === "string" && Object.hasOwn(shape.cases, tag) ? shape.cases[tag] : undefined;
  if (member === undefined) {
    return { kind: "value", path: where, expected: "string", found: tag, allowed: Object.keys(shape.cases) };
  }
  return findProblem(member, value, path);
}

function unionProblem(of: readonly Shape[], value: unknown, path: Problem["path"]): Problem | undefined {
  let first: Problem | undefined;
  for (const member of of.filter((one) => isOfKind(one, value))) {
    const problem = findProblem(member, value, path);
    if (problem === undefined) {
      return undefined;
    }
    first ??= problem;
  }
  return first;
}

function firstProblem<T>(items: Iterable<T>, check: (item: T) => Problem | undefined): Problem | undefined {
  for (const item of items) {
    const problem = check(item);
    if (problem !== undefined) {
      return problem;
    }
  }
  return undefined;
}
