/** Credentials that a person pastes, one a line. */
import type { UpstreamConfig } from "../../config/config.ts";
import type { Change } from "../../config/edit/change.ts";
import type { Path } from "../../config/problem.ts";
import { isTree, makeTree, type Tree } from "../../config/toml/toml.ts";
import { faultOfKey, fitsUpstream, type KeyOwner, ownerOfKey } from "../../upstreams/key-shape.ts";
import type { ReplyOf } from "../contract.ts";

export type LineResult = ReplyOf<"addCredentials">["results"][number];

interface Line {
  readonly line: number;
  /** null: none is given. */
  readonly name: string | null;
  readonly key: string;
}

/** More are pasted in several pieces. */
const MAX_LINES = 1_000;

function linesOf(text: string): readonly Line[] {
  return text.split("\n").flatMap((written, index) => {
    const trimmed = written.trim();
    if (trimmed === "" || trimmed.startsWith("#")) return [];
    const [name, key] = splitLine(trimmed);
    return [{ line: index + 1, name: name === "" ? null : name, key: key.replace(/^(["'])(.*)\1$/, "$2") }];
  });
}

/** The name before the key and the key. Without a pattern, which could try each space of a long line against each other one. */
function splitLine(line: string): readonly [name: string, key: string] {
  let start = line.length;
  while (start > 0 && (line[start - 1] as string).trim() !== "") start -= 1;
  const last = line.slice(start);
  const before = line.slice(0, start).trimEnd();
  if (before === "") {
    const sign = last.indexOf("=");
    // A key may end in such signs.
    return sign < 0 || sign === last.length - 1 ? ["", last] : [last.slice(0, sign), last.slice(sign + 1)];
  }
  if (last.startsWith("=") && last.length > 1) return [before, last.slice(1)];
  return [before.endsWith("=") ? before.slice(0, -1).trimEnd() : before, last];
}

export interface ReadLines {
  readonly changes: readonly Change[];
  readonly results: readonly LineResult[];
}

/**
 * What each line comes to, and the changes of the file that adds the good ones. `named`: the upstream for all; null: each
 * goes to the upstream of its provider. `upstreams`: those in force, whose secrets tell duplicates.
 */
export function readCredentialLines(
  root: Tree,
  text: string,
  named: string | null,
  upstreams: readonly UpstreamConfig[],
): ReadLines {
  const lines = linesOf(text);
  const reader = new LineReader(root, named, upstreams);
  const results = lines.map((line, index) =>
    index < MAX_LINES
      ? reader.read(line)
      : refused(line, "shape", `only ${MAX_LINES} lines are taken at once`),
  );
  return { changes: reader.changes, results };
}

function refused({ line }: Line, problem: LineResult["problem"], message: string): LineResult {
  return { line, isAdded: false, problem, id: null, message };
}

interface Place {
  readonly name: string;
  readonly path: readonly (string | number)[];
  readonly names: Set<string>;
}

class LineReader {
  /** One for each list that gets entries: a file is read and written as often as there are changes. */
  readonly #lists = new Map<string, { readonly path: Path; readonly entries: Tree[] }>();
  readonly #named: string | null;
  readonly #upstreams: readonly UpstreamConfig[];
  readonly #known: Map<string, string>;
  /** Upstreams that the file has already. */
  readonly #written: ReadonlySet<string>;
  readonly #places: Map<string, Place>;

  constructor(root: Tree, named: string | null, upstreams: readonly UpstreamConfig[]) {
    this.#named = named;
    this.#upstreams = upstreams;
    this.#known = new Map(
      upstreams.flatMap(({ name, credentials }) =>
        credentials.map((one) => [one.apiKey, `${name}/${one.name}`]),
      ),
    );
    const written = Array.isArray(root.upstreams) ? root.upstreams.filter(isTree) : [];
    this.#written = new Set(written.map(({ name }) => String(name)));
    this.#places = new Map(
      written.map((upstream, index) => {
        const credentials = Array.isArray(upstream.credentials) ? upstream.credentials.filter(isTree) : [];
        const names = new Set(credentials.map(({ name }) => String(name)));
        return [String(upstream.name), { name: String(upstream.name), path: ["upstreams", index], names }];
      }),
    );
  }

  read(line: Line): LineResult {
    const { key } = line;
    const fault = faultOfKey(key);
    if (fault !== null) return refused(line, "shape", `the key ${fault}`);
    const first = this.#known.get(key);
    if (first !== undefined) return refused(line, "duplicate", `the key is that of ${first}`);
    const owner = ownerOfKey(key);
    const place = this.#placeFor(owner);
    if ("problem" in place) return refused(line, place.problem, place.message);
    const name = line.name ?? freeName(place.names);
    if (place.names.has(name)) return refused(line, "name", `${place.name} has a credential with this name`);
    if (!/^[^\p{C}\s/]([^\p{C}/]{0,62}[^\p{C}\s/])?$/u.test(name))
      return refused(line, "name", "the text before the key is not a name");
    place.names.add(name);
    const id = `${place.name}/${name}`;
    this.#known.set(key, id);
    this.#add(place, { name, api_key: key }, owner);
    return { line: line.line, isAdded: true, problem: null, id, message: "" };
  }

  #placeFor(
    owner: KeyOwner | null,
  ): Place | { problem: NonNullable<LineResult["problem"]>; message: string } {
    if (this.#named !== null) {
      const place = this.#places.get(this.#named);
      const config = this.#upstreams.find(({ name }) => name === this.#named);
      if (place === undefined)
        return { problem: "unknown-provider", message: "there is no upstream with this name" };
      if (owner !== null && config !== undefined && !fitsUpstream(owner, config.family, config.baseUrl))
        return {
          problem: "provider",
          message: `the key is of ${owner.name}, and ${this.#named} is another provider`,
        };
      return place;
    }
    if (owner === null)
      return {
        problem: "unknown-provider",
        message: "the form of the key does not tell its provider; name the upstream",
      };
    const fitting = this.#upstreams.filter(({ family, baseUrl }) => fitsUpstream(owner, family, baseUrl));
    const [only] = fitting;
    if (fitting.length > 1)
      return { problem: "unknown-provider", message: "several upstreams could have the key; name one" };
    const place = this.#places.get(only?.name ?? owner.name);
    if (place !== undefined) return place;
    const made = { name: owner.name, path: ["upstreams", this.#places.size], names: new Set<string>() };
    this.#places.set(owner.name, made);
    return made;
  }

  get changes(): readonly Change[] {
    return [...this.#lists.values()].map(({ path, entries: [value = makeTree(), ...more] }) => ({
      kind: "insert",
      path,
      at: null,
      value,
      more,
    }));
  }

  /** A new upstream begins with its first credential: the configuration takes none without. */
  #add(place: Place, credential: Tree, owner: KeyOwner | null): void {
    if (place.names.size === 1 && owner !== null && !this.#written.has(place.name)) {
      const { family, baseUrl } = owner;
      this.#addTo(["upstreams"], {
        name: place.name,
        family,
        ...(baseUrl === null ? {} : { base_url: baseUrl }),
        credentials: [credential],
      });
    } else this.#addTo([...place.path, "credentials"], credential);
  }

  #addTo(path: Path, entry: Tree): void {
    const id = JSON.stringify(path);
    const list = this.#lists.get(id);
    if (list === undefined) this.#lists.set(id, { path, entries: [entry] });
    else list.entries.push(entry);
  }
}

function freeName(names: ReadonlySet<string>): string {
  for (let number = names.size + 1; ; number++) if (!names.has(`key-${number}`)) return `key-${number}`;
}
