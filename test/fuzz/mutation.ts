/** Spoils good bytes and values as a broken, careless or hostile peer does. */
import { Buffer } from "node:buffer";
import type { Chance } from "../faults/seeded.ts";

const MAX_BYTES = 1024 * 1024;
/** Deeper than any codec reads, and not so deep that the parser fails. */
const DEPTHS = [3, 70, 600, 4_000];

const HUGE_NUMBERS = [
  "1e308",
  "-1e308",
  "1e999",
  "9007199254740993",
  "-1",
  "0.5",
  "-0",
  "1E+2",
  "00",
  "123456789012345678901234567890",
];
const BAD_BYTES: readonly (readonly number[])[] = [
  [0xff],
  [0xc0, 0x80],
  [0xed, 0xa0, 0x80],
  [0xf4, 0x90, 0x80, 0x80],
  [0xe2, 0x80],
  [0x00],
  [0xef, 0xbb, 0xbf],
];
const TOKENS = [
  '"',
  "\\",
  "\n\n",
  "\r",
  "\r\n",
  "\ndata: ",
  "data: [DONE]\n\n",
  "event: error\n",
  ": ping\n\n",
  "{",
  "}",
  "[",
  "]",
  ",",
  ":",
  "null",
  '"__proto__":{"x":1},',
  "\\ud83d",
  "\\u0000",
  "\u2028",
];

/** The text that opens a level, and its number of repetitions: far deeper than any sensible value. */
const OPENINGS = ["[", '{"a":', '{"content":[', '[{"parts":'];
const NESTING = 20_000;
/** More items than a call can take as arguments. */
const WIDE = 1_200_000;

/** One change of bytes. */
type Mutation = (bytes: Buffer, chance: Chance, others: readonly Uint8Array[]) => Buffer;

const MUTATIONS: readonly Mutation[] = [
  flipBits,
  truncate,
  cutOut,
  repeatPiece,
  swapPieces,
  splice,
  insertToken,
  insertBadBytes,
  replaceNumber,
  insertNesting,
];

/** The bytes with a few changes; `others`: good bytes, of which pieces may be inserted. */
export function mutateBytes(bytes: Uint8Array, chance: Chance, others: readonly Uint8Array[] = []): Buffer {
  let mutated: Buffer = Buffer.from(bytes);
  for (let left = chance.whole(1, 4); left > 0; left--)
    mutated = chance.pick(MUTATIONS)(mutated, chance, others);
  return mutated.subarray(0, MAX_BYTES);
}

function placeIn(bytes: Uint8Array, chance: Chance): number {
  return chance.whole(0, bytes.length);
}

function rangeIn(bytes: Uint8Array, chance: Chance): [from: number, to: number] {
  const [a, b] = [placeIn(bytes, chance), placeIn(bytes, chance)];
  return [Math.min(a, b), Math.max(a, b)];
}

function flipBits(bytes: Buffer, chance: Chance): Buffer {
  if (bytes.length === 0) return bytes;
  for (let left = chance.whole(1, 4); left > 0; left--) {
    const at = chance.whole(0, bytes.length - 1);
    bytes[at] = (bytes[at] as number) ^ (1 << chance.whole(0, 7));
  }
  return bytes;
}

function truncate(bytes: Buffer, chance: Chance): Buffer {
  return bytes.subarray(0, placeIn(bytes, chance));
}

function cutOut(bytes: Buffer, chance: Chance): Buffer {
  const [from, to] = rangeIn(bytes, chance);
  return Buffer.concat([bytes.subarray(0, from), bytes.subarray(to)]);
}

function repeatPiece(bytes: Buffer, chance: Chance): Buffer {
  const [from, to] = rangeIn(bytes, chance);
  return Buffer.concat([bytes.subarray(0, to), bytes.subarray(from)]);
}

/** Frames in a wrong order. */
function swapPieces(bytes: Buffer, chance: Chance): Buffer {
  const [a, b] = rangeIn(bytes, chance);
  const c = chance.whole(b, bytes.length);
  return Buffer.concat([bytes.subarray(0, a), bytes.subarray(b, c), bytes.subarray(a, b), bytes.subarray(c)]);
}

function splice(bytes: Buffer, chance: Chance, others: readonly Uint8Array[]): Buffer {
  const other = others.length === 0 ? bytes : chance.pick(others);
  return Buffer.concat([bytes.subarray(0, placeIn(bytes, chance)), other.subarray(placeIn(other, chance))]);
}

function insert(bytes: Buffer, piece: Uint8Array, chance: Chance): Buffer {
  const at = placeIn(bytes, chance);
  return Buffer.concat([bytes.subarray(0, at), piece, bytes.subarray(at)]);
}

function insertToken(bytes: Buffer, chance: Chance): Buffer {
  return insert(bytes, Buffer.from(chance.pick(TOKENS), "utf8"), chance);
}

function insertBadBytes(bytes: Buffer, chance: Chance): Buffer {
  return insert(bytes, Uint8Array.from(chance.pick(BAD_BYTES)), chance);
}

function insertNesting(bytes: Buffer, chance: Chance): Buffer {
  return chance.next() < 0.1
    ? insert(bytes, Buffer.from(chance.pick(OPENINGS).repeat(NESTING)), chance)
    : bytes;
}

function replaceNumber(bytes: Buffer, chance: Chance): Buffer {
  const text = bytes.toString("latin1");
  const numbers = [...text.matchAll(/(?<=[:[,])-?\d+(?:\.\d+)?/g)];
  if (numbers.length === 0) return bytes;
  const found = chance.pick(numbers);
  const before = text.slice(0, found.index);
  return Buffer.from(
    before + chance.pick(HUGE_NUMBERS) + text.slice(found.index + found[0].length),
    "latin1",
  );
}

/** A stream in which the data of one frame is spoiled. */
export function mutateFrame(bytes: Uint8Array, chance: Chance): Buffer {
  const frames = Buffer.from(bytes)
    .toString("utf8")
    .split(/(?<=\n\n)/);
  const at = chance.whole(0, frames.length - 1);
  const frame = frames[at] ?? "";
  const [head, data] = [frame.slice(0, frame.indexOf("{")), frame.slice(frame.indexOf("{"))];
  try {
    frames[at] = `${head}${JSON.stringify(mutateValue(JSON.parse(data), chance))}\n\n`;
  } catch {
    // A frame without JSON, as `[DONE]`, comes twice instead.
    frames.splice(at, 0, frame);
  }
  return Buffer.from(frames.join(""), "utf8").subarray(0, MAX_BYTES);
}

/** A JSON value in which a few places are spoiled: other types, missing and doubled members, deep nesting. */
export function mutateValue(value: unknown, chance: Chance, others: readonly unknown[] = []): unknown {
  const root = { value: structuredClone(value) };
  for (let left = chance.whole(1, 3); left > 0; left--) spoil(root, chance, others);
  return root.value;
}

type Holder = Record<string, unknown>;

function placesIn(root: Holder): [holder: Holder, key: string][] {
  const places: [Holder, string][] = [];
  const open: Holder[] = [root];
  for (let node = open.pop(); node !== undefined && places.length < 5_000; node = open.pop()) {
    for (const key of Object.keys(node)) {
      places.push([node, key]);
      const child = node[key];
      if (typeof child === "object" && child !== null) open.push(child as Holder);
    }
  }
  return places;
}

function spoil(root: Holder, chance: Chance, others: readonly unknown[]): void {
  const places = placesIn(root);
  const [holder, key] = chance.pick(places);
  const value = holder[key];
  switch (chance.whole(0, 7)) {
    case 0:
      if (holder === root) return;
      if (Array.isArray(holder)) holder.splice(Number(key), 1);
      else delete holder[key];
      return;
    case 1:
      set(holder, key, nested(value, chance));
      return;
    case 2: {
      const small = chance.pick([null, "", 1, {}]);
      if (!Array.isArray(value)) set(holder, key, [value, value]);
      else if (chance.next() < 0.004)
        set(
          holder,
          key,
          Array.from({ length: WIDE }, () => small),
        );
      else value.push(...value.slice(0, 50));
      return;
    }
    case 3: {
      const [from, name] = chance.pick(places);
      set(holder, key, structuredClone(from[name]));
      return;
    }
    case 4: {
      if (others.length === 0) return;
      const [from, name] = chance.pick(placesIn({ value: chance.pick(others) }));
      set(holder, key, structuredClone(from[name]));
      return;
    }
    case 5:
      if (typeof value === "object" && value !== null && !Array.isArray(value))
        set(
          value as Holder,
          chance.pick(["__proto__", "type", "role", "content", "parts", "text", "x"]),
          oddValue(chance),
        );
      else set(holder, key, oddValue(chance));
      return;
    default:
      set(holder, key, oddValue(chance));
  }
}

/** `__proto__` is a key like any other, as it is for `JSON.parse`. */
function set(holder: Holder, key: string, value: unknown): void {
  Object.defineProperty(holder, key, { value, writable: true, enumerable: true, configurable: true });
}

function nested(value: unknown, chance: Chance): unknown {
  const isArray = chance.next() < 0.5;
  const key = chance.pick(["content", "properties", "a", "items", "parts"]);
  let outer = value;
  for (let left = chance.pick(DEPTHS); left > 0; left--) outer = isArray ? [outer] : { [key]: outer };
  return outer;
}

function oddValue(chance: Chance): unknown {
  return chance.pick<() => unknown>([
    () => null,
    () => true,
    () => false,
    () => 0,
    () => -1,
    () => 1.5,
    () => 1e308,
    () => Number.MAX_SAFE_INTEGER,
    () => "",
    () => " ",
    () => "x".repeat(chance.pick([1, 100, 70_000])),
    () => "\ud83d",
    () => "data:image/png;base64,%%%",
    () => "http://127.0.0.1:1/x",
    () => '{"a":',
    () => "[]",
    () => [],
    () => [null],
    () => ({}),
    () => ({ toString: 0, valueOf: 0 }),
    () => ({ type: chance.pick(["text", "image", "tool_use", "function", "x"]) }),
  ])();
}
