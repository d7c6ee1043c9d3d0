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

/** Each list longer, each object wider, each text longer, lists within lists, two lists together, and all of it deeper. */
export function growthsOf(body: JsonObject): Growth[] {
  const lists: Path[] = [];
  const maps: Path[] = [];
  const texts: Path[] = [];
  for (const [path, value] of valuesIn(body)) {
    if (Array.isArray(value)) lists.push(path);
    else if (isObject(value)) maps.push(path);
    else if (typeof value === "string") texts.push(path);
  }
  const growths: Growth[] = [];
  for (const path of lists) {
    const at = path.join(".");
    growths.push(
      { name: `${at}: other entries`, grown: (n) => edited(body, path, longer(n, "others")) },
      { name: `${at}: the same entry`, grown: (n) => edited(body, path, longer(n, "same")) },
      { name: `${at}: reversed`, grown: (n) => edited(body, path, longer(n, "reversed")) },
      { name: `${at}: nested`, grown: (n) => edited(body, path, (list) => [nested(list, Math.min(n, 400))]) },
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
    growths.push({
      name: `${path.join(".")}: a long text`,
      grown: (n) => edited(body, path, (value) => `${value}`.padEnd(n * 40, "aB3 ")),
    });
  return growths;
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
