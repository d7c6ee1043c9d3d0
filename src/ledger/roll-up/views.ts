/** What usage can be split by, and the combinations of it for which the roll-up keeps sums. */
import type { SqlRow } from "../../store/sql.ts";

export const DIMENSIONS = [
  "key",
  "team",
  "model",
  "upstream",
  "credential",
  "dialect",
  "endpoint",
  "user",
  "tag",
] as const;
export type Dimension = (typeof DIMENSIONS)[number];

/** `""`: the row has none. null: one of many that have no sums of their own, because there are too many. */
export type Value = string | null;

interface ViewTraits {
  readonly dimensions: readonly Dimension[];
  /** The view whose sums by the hour it is made of; null: it is a base view, and made of rows. */
  readonly of: "whole" | "keyTag" | "keyUser" | null;
}

/** The smaller a view is, the earlier it stands: the first one that has what is asked for is read. */
export const VIEWS = {
  endpoint: { dimensions: ["dialect", "endpoint"], of: "whole" },
  upstream: { dimensions: ["upstream", "credential"], of: "whole" },
  model: { dimensions: ["model"], of: "whole" },
  key: { dimensions: ["team", "key"], of: "whole" },
  endpointModel: { dimensions: ["dialect", "endpoint", "model"], of: "whole" },
  keyModel: { dimensions: ["team", "key", "model"], of: "whole" },
  upstreamModel: { dimensions: ["upstream", "credential", "model"], of: "whole" },
  tag: { dimensions: ["tag"], of: "keyTag" },
  user: { dimensions: ["user"], of: "keyUser" },
  keyTag: { dimensions: ["team", "key", "tag"], of: null },
  keyUser: { dimensions: ["team", "key", "user"], of: null },
  whole: {
    dimensions: ["team", "key", "upstream", "credential", "model", "dialect", "endpoint"],
    of: null,
  },
} as const satisfies Readonly<Record<string, ViewTraits>>;

export type ViewName = keyof typeof VIEWS;

const VIEW_NAMES = Object.keys(VIEWS) as readonly ViewName[];

export const BASE_VIEWS = VIEW_NAMES.filter((name) => VIEWS[name].of === null);

/** The views that are made of this one. */
export function viewsOf(base: ViewName): readonly ViewName[] {
  return VIEW_NAMES.filter((name) => VIEWS[name].of === base);
}

/** The view that has rows added to it, whose hours hold those of this view. */
export function baseOf(view: ViewName): ViewName {
  return VIEWS[view].of ?? view;
}

/** The smallest view with these dimensions; null: only the rows tell. */
export function findView(dimensions: Iterable<Dimension>): ViewName | null {
  const wanted = [...dimensions];
  const has = (name: ViewName): boolean => {
    const own: readonly Dimension[] = VIEWS[name].dimensions;
    return wanted.every((dimension) => own.includes(dimension));
  };
  return VIEW_NAMES.find(has) ?? null;
}

/** The columns of the ledger's rows that `valuesOf` reads. */
export const DIMENSION_COLUMNS = [
  "key",
  "team",
  "upstream",
  "credential",
  "dialect",
  "endpoint",
  "model_asked",
  "model_used",
  "end_user",
  "tags",
] as const;

/** The values of a row, of tags several. A row without tags has the tag `""`. */
export type Values = Readonly<Record<Exclude<Dimension, "tag">, string>> & {
  readonly tag: readonly string[];
};

/** The model is the one that the upstream was asked for, else the one that the client asked for. */
export function valuesOf(row: SqlRow): Values {
  return {
    key: text(row.key),
    team: text(row.team),
    model: text(row.model_used ?? row.model_asked),
    upstream: text(row.upstream),
    credential: text(row.credential),
    dialect: text(row.dialect),
    endpoint: text(row.endpoint),
    user: text(row.end_user),
    tag: tagsOf(row.tags),
  };
}

function text(value: SqlRow[string] | undefined): string {
  return value === null || value === undefined ? "" : String(value);
}

const NO_TAGS: readonly string[] = [""];

function tagsOf(json: SqlRow[string] | undefined): readonly string[] {
  if (typeof json !== "string") return NO_TAGS;
  const tags: unknown = JSON.parse(json);
  return Array.isArray(tags) && tags.length > 0 ? [...new Set(tags.map(String))] : NO_TAGS;
}
