/**
 * Strict reading: required and optional members of a reply with their forms, and server-sent events by the
 * letter.
 */
import type { Json } from "./conversation.ts";

/** A reply that breaks its dialect's grammar. */
export class WireFault extends Error {}

export function need(isGood: boolean, what: string): asserts isGood {
  if (!isGood) throw new WireFault(what);
}

/** Throws when the value does not have the form. */
export type Form = (value: unknown, place: string) => void;

export const anything: Form = () => {};

function form(name: string, isGood: (value: unknown) => boolean): Form {
  return (value, place) => need(isGood(value), `${place}: ${name} expected, found ${shown(value)}`);
}

function shown(value: unknown): string {
  return (JSON.stringify(value) ?? "nothing").slice(0, 200);
}

export const text = form("text", (value) => typeof value === "string");
export const filled = form("a text that is not empty", (value) => typeof value === "string" && value !== "");
export const flag = form("true or false", (value) => typeof value === "boolean");
export const nothing = form("null", (value) => value === null);
export const count = form(
  "a whole number from 0 on",
  (value) => Number.isInteger(value) && Number(value) >= 0,
);
export const amount = form("a number", (value) => typeof value === "number");
export const object = form("an object", isObject);

/** A list without items. */
export const none = form("an empty list", (value) => Array.isArray(value) && value.length === 0);

export function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function one(...values: readonly unknown[]): Form {
  return form(`one of ${shown(values)}`, (value) => values.includes(value));
}

export function like(pattern: RegExp): Form {
  return form(`text like ${pattern}`, (value) => typeof value === "string" && pattern.test(value));
}

export function orNull(of: Form): Form {
  return (value, place) => {
    if (value !== null) of(value, place);
  };
}

export function list(of: Form): Form {
  return (value, place) => {
    need(Array.isArray(value), `${place}: a list expected, found ${shown(value)}`);
    for (const [index, item] of value.entries()) of(item, `${place}[${index}]`);
  };
}

/** An object with every required member, any optional ones, and no other. */
export function record(required: Record<string, Form>, optional: Record<string, Form> = {}): Form {
  return (value, place) => {
    need(isObject(value), `${place}: an object expected, found ${shown(value)}`);
    for (const [name, of] of Object.entries(required)) {
      need(Object.hasOwn(value, name), `${place}.${name} is missing in ${shown(value)}`);
      of(value[name], `${place}.${name}`);
    }
    for (const [name, member] of Object.entries(value)) {
      const of = required[name] ?? optional[name];
      need(of !== undefined, `${place}.${name} is no member of it: ${shown(value)}`);
      of(member, `${place}.${name}`);
    }
  };
}

/** Objects told apart by one member. */
export function tagged(tag: string, cases: Record<string, Form>): Form {
  return (value, place) => {
    need(isObject(value), `${place}: an object expected, found ${shown(value)}`);
    const of = cases[String(value[tag])];
    need(of !== undefined, `${place}.${tag}: nobody knows ${shown(value[tag])}`);
    of(value, place);
  };
}

export function parseObject(json: string, place: string): Json {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    throw new WireFault(`${place} is no JSON: ${json.slice(0, 200)}`);
  }
  need(isObject(value), `${place}: an object expected, found ${shown(value)}`);
  return value;
}

export interface WireEvent {
  readonly name: string | null;
  readonly data: string;
}

/**
 * The events of a stream in the form of our own writers and of the providers: at most one `event:` line, one
 * `data:` line, an empty line. Comments are in blocks of their own.
 */
export function events(stream: string): WireEvent[] {
  need(stream.endsWith("\n\n"), `the stream ends within an event: ${shown(stream.slice(-80))}`);
  return stream
    .slice(0, -2)
    .split("\n\n")
    .flatMap((block): WireEvent[] => {
      if (/^:[^\n]*$/.test(block)) return [];
      const match = /^(?:event: ([^\n]+)\n)?data: ([^\n]+)$/.exec(block);
      need(match !== null, `no event: ${shown(block)}`);
      return [{ name: match[1] ?? null, data: match[2] ?? "" }];
    });
}

/** Part of a text, counted in Unicode code points. */
export function points(whole: string, start: number, end: number): string {
  const all = Array.from(whole);
  need(start >= 0 && start < end && end <= all.length, `${start} to ${end} is no part of ${shown(whole)}`);
  return all.slice(start, end).join("");
}
