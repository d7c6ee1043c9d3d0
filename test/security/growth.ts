/** Bodies that grow: every way in which somebody may lengthen a body that is given. */
import { isObject, type JsonObject } from "../../src/core/json.ts";

export interface Growth {
  readonly name: string;
  /** The body with so many more pieces. */
  readonly grown: (pieces: number) => JsonObject;
}

type Path = readonly (string | number)[];

/** The members whose texts tell one thing from another. A copy with another text is another thing. */
const NAMING = new Set(["id", "name", "call_id", "tool_call_id", "tool_use_id", "url", "uri", "title"]);

/** Small entries, of which a list may have a million: what the decoders expect in no list, or in some. */
const FILLINGS: Readonly<Record<string, (n: number) => unknown>> = {
  numbers: () => 0,
  "one word": () => "a",
  "other words": (n) => `w${n.toString(36)}`,
  "empty objects": () => ({}),
  "empty lists": () => [],
};

/** The body with another value in each of its places, one at a time. */
export function* replacedIn(
  body: JsonObject,
  value: unknown,
): Generator<readonly [at: string, body: JsonObject]> {
  for (const [path] of valuesIn(body))
    if (path.length > 0) yield [path.join("."), edited(body, path, () => value)];
}

interface Places {
  readonly lists: readonly Path[];
  readonly maps: readonly Path[];
  readonly texts: readonly Path[];
}

function placesIn(body: JsonObject): Places {
  const lists: Path[] = [];
  const maps: Path[] = [];
  const texts: Path[] = [];
  for (const [path, value] of valuesIn(body)) {
    if (Array.isArray(value)) lists.push(path);
    else if (isObject(value)) maps.push(path);
    else if (typeof value === "string") texts.push(path);
  }
  return { lists, maps, texts };
}

/**
 * Each list longer, also by entries that it should not have, each object wider, each text longer, lists within lists, two lists
 * together, and all of it deeper.
 */
export function growthsOf(body: JsonObject): Growth[] {
  const { lists, maps, texts } = placesIn(body);
  const growths: Growth[] = [];
  for (const path of lists) {
    const at = path.join(".");
    growths.push(
      { name: `${at}: other entries`, grown: (n) => edited(body, path, longer(n, "others")) },
      { name: `${at}: the same entry`, grown: (n) => edited(body, path, longer(n, "same")) },
      { name: `${at}: reversed`, grown: (n) => edited(body, path, longer(n, "reversed")) },
      { name: `${at}: nested`, grown: (n) => edited(body, path, (list) => [nested(list, Math.min(n, 400))]) },
      ...Object.entries(FILLINGS).map(([name, entry]) => ({
        name: `${at}: ${name}`,
        grown: (n: number) =>
          edited(body, path, (list) => [
            ...(list as unknown[]),
            ...Array.from({ length: n }, (_, k) => entry(k)),
          ]),
      })),
    );
  }
  for (const outer of lists)
    for (const inner of lists) {
      const at = `${outer.join(".")} and ${inner.join(".")}`;
      if (isWithin(inner, outer)) {
        const grown = (n: number): JsonObject => {
          const each = Math.ceil(Math.sqrt(n));
          return edited(edited(body, inner, longer(each, "others")), outer, longer(each, "others"));
        };
        growths.push({ name: `${at}: lists in lists`, grown });
      } else if (outer !== inner && !isWithin(outer, inner)) {
        const grown = (n: number): JsonObject =>
          edited(edited(body, outer, longer(n / 2, "others")), inner, longer(n / 2, "reversed"));
        growths.push({ name: `${at}: one against the other`, grown });
      }
    }
  for (const path of maps)
    growths.push({
      name: `${path.join(".")}: wider`,
      grown: (n) => edited(body, path, (value) => wider(value as JsonObject, n)),
    });
  for (const path of texts)
    growths.push(
      {
        name: `${path.join(".")}: a long text`,
        grown: (n) => edited(body, path, (value) => `${value}`.padEnd(n * 40, "aB3 ")),
      },
      {
        name: `${path.join(".")}: one letter but for the last`,
        grown: (n) => edited(body, path, (value) => `${value}`.padEnd(n * 40, "a").concat("b")),
      },
    );
  return growths;
}

/**
 * Two texts of a body, one of which nearly stands in the other, at each place: a search for the one in the other that is not
 * linear costs the product of both lengths. `pick`: of so many pairs, which ones; absent: all.
 */
export function textPairsOf(body: JsonObject, pick?: (pairs: number) => number): Growth[] {
  const { texts } = placesIn(body);
  const pairs = texts.length * (texts.length - 1);
  if (pairs === 0) return [];
  return (pick === undefined ? Array.from({ length: pairs }, (_, n) => n) : [pick(pairs)]).map((pair) => {
    const at = Math.floor(pair / (texts.length - 1));
    const other = (at + 1 + (pair % (texts.length - 1))) % texts.length;
    const [path, within] = [texts[at], texts[other]] as [Path, Path];
    return {
      name: `${path.join(".")}: nearly in ${within.join(".")}`,
      grown: (n) =>
        edited(
          edited(body, within, () => "a".repeat(n * 40)),
          path,
          () => `${"a".repeat(n * 10)}b${"a".repeat(n * 10)}`,
        ),
    };
  });
}

/** The short form of a test looks at one in four. */
export function sampled<T>(list: readonly T[]): readonly T[] {
  return process.env.CLEWLINE_TEST_FULL === "1" ? list : list.filter((_, n) => n % 4 === 0);
}

/** About as many pieces as make the grown body so long. */
export function piecesFor({ grown }: Growth, bytes: number): number {
  const few = 16;
  const sizes = [few, 4 * few].map((pieces) => JSON.stringify(grown(pieces)).length) as [number, number];
  const each = Math.max(1, (sizes[1] - sizes[0]) / (3 * few));
  return Math.min(Math.ceil(bytes / each), MOST_PIECES);
}

const MOST_PIECES = 60_000;

function* valuesIn(value: unknown, path: Path = []): Generator<readonly [Path, unknown]> {
  yield [path, value];
  if (typeof value !== "object" || value === null) return;
  for (const [name, inner] of Object.entries(value))
    yield* valuesIn(inner, [...path, Array.isArray(value) ? Number(name) : name]);
}

function isWithin(inner: Path, outer: Path): boolean {
  return inner.length > outer.length && outer.every((step, at) => step === inner[at]);
}

/** The body with another value at a place. */
function edited(body: JsonObject, path: Path, edit: (value: unknown) => unknown): JsonObject {
  const change = (value: unknown, at: number): unknown => {
    if (at === path.length) return edit(value);
    const step = path[at] as string | number;
    if (Array.isArray(value))
      return value.map((inner, index) => (index === step ? change(inner, at + 1) : inner));
    const object = value as JsonObject;
    return { ...object, [step]: change(object[step], at + 1) };
  };
  return change(body, 0) as JsonObject;
}

function longer(pieces: number, how: "others" | "same" | "reversed"): (list: unknown) => unknown {
  return (list) => {
    const entries = list as readonly unknown[];
    if (entries.length === 0) return entries;
    const more = Array.from({ length: pieces }, (_, n) => {
      const entry = entries[n % entries.length];
      return how === "same" ? entry : renamed(entry, Math.floor(n / entries.length));
    });
    return how === "reversed" ? [...more.reverse(), ...entries] : [...entries, ...more];
  };
}

/** A copy with other names. */
function renamed(value: unknown, number: number): unknown {
  if (Array.isArray(value)) return value.map((inner) => renamed(inner, number));
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [
      name,
      NAMING.has(name) && typeof inner === "string" ? `${inner}_${number}` : renamed(inner, number),
    ]),
  );
}

function wider(object: JsonObject, pieces: number): JsonObject {
  const [first] = Object.values(object);
  const more = Array.from({ length: pieces }, (_, n) => [`more_${n}`, first ?? "text"]);
  return Object.fromEntries([...Object.entries(object), ...more]);
}

function nested(list: unknown, levels: number): unknown {
  let value = list;
  for (let level = 0; level < levels; level++)
    value = level % 2 === 0 ? { content: [value] } : { items: value };
  return value;
}
