/** The configuration: what it says, where each value comes from, and changes of it. */
import * as v from "valibot";
import type { Operation } from "./operation.ts";

/** As in `server.port` or `upstreams[0].credentials[1].weight`. */
const path = v.pipe(v.string(), v.minLength(1), v.maxLength(512));

const value = v.strictObject({
  path,
  /** null for a secret, which is never shown. */
  value: v.unknown(),
  /** Of a secret: where it is (`file`, `env:NAME` or `file:PATH`), and its end; null: the value is none. */
  secret: v.nullable(v.strictObject({ source: v.string(), lastFour: v.nullable(v.string()) })),
  /** Where the value comes from. */
  origin: v.picklist(["file", "default", "environment", "flag"]),
  /** Why it cannot be changed here; null: it can. */
  lockedReason: v.nullable(v.string()),
});

const problem = v.strictObject({
  /** "": the configuration as a whole. */
  path: v.string(),
  message: v.string(),
  repair: v.string(),
});

/** Paths are those of the version that the changes name. */
const change = v.pipe(
  v.strictObject({
    path,
    /** Absent, and no `add`: the value, table or entry is taken away, so the default holds. */
    value: v.optional(v.unknown()),
    /** A new entry for the list of tables at the path. */
    add: v.optional(v.record(v.string(), v.unknown())),
  }),
  v.check(({ value, add }) => value === undefined || add === undefined, 'needs "value" or "add", not both'),
);

const version = v.pipe(v.string(), v.minLength(1), v.maxLength(128));
const changes = v.pipe(v.array(change), v.minLength(1), v.maxLength(1_000));

const difference = v.strictObject({
  /** Entries by their names, as in `upstreams[anthropic].credentials[main].weight`. */
  path: v.string(),
  /** Without secrets; null: it was not there, or will not be. */
  before: v.nullable(v.string()),
  after: v.nullable(v.string()),
});

const made = v.strictObject({
  version,
  auditId: v.string(),
  differences: v.array(difference),
  atNextStart: v.array(v.string()),
  /** Others had changed the file elsewhere since the version. */
  isMerged: v.boolean(),
});

const passphrase = v.pipe(v.string(), v.minLength(8), v.maxLength(1_024));
/** The admin's password, once more. Without the right one the status is 403, with this member as its `path`. */
const currentPassword = v.optional(v.pipe(v.string(), v.maxLength(1_024)));

export const SETTINGS = {
  getSettings: {
    method: "GET",
    path: "/settings",
    who: "signed-in",
    summary: "The configuration in force, with the origin of each value, and what every key of it means.",
    reply: v.strictObject({
      file: v.string(),
      version,
      /** Why nothing can be changed; null: values can be changed, but for those that say so. */
      lockedReason: v.nullable(v.string()),
      values: v.array(value),
      /** From the schema, in its order. */
      keys: v.array(
        v.strictObject({
          /** As in `server.port`, or `upstreams[].name`. */
          key: v.string(),
          kind: v.picklist(["text", "number", "boolean", "choice", "list", "table"]),
          options: v.nullable(v.array(v.string())),
          default: v.nullable(v.unknown()),
          help: v.string(),
          appliesAt: v.picklist(["start", "reload"]),
          isSecret: v.boolean(),
          isRequired: v.boolean(),
          /** The table in `tables` that has it. */
          table: v.string(),
          /** The environment variable that overrides it; null: none does. */
          env: v.nullable(v.string()),
        }),
      ),
      /** From the schema, in its order: `server`, or `upstreams[]` for a list. */
      tables: v.array(v.strictObject({ table: v.string(), help: v.string() })),
      /** Of a changed file that is not in effect. */
      problems: v.array(problem),
    }),
  },
  previewSettings: {
    method: "POST",
    path: "/settings/preview",
    who: "signed-in-changing",
    summary: "Checks changes and shows what they would change, without changing anything.",
    body: v.strictObject({ version, changes }),
    reply: v.strictObject({
      differences: v.array(difference),
      problems: v.array(problem),
      /** Keys whose change takes effect at the next start. */
      atNextStart: v.array(v.string()),
    }),
  },
  changeSettings: {
    method: "POST",
    path: "/settings",
    who: "signed-in-changing",
    summary:
      "Changes the configuration file. Changes of others since that version stay, if they are elsewhere; else the status 409 comes with both. A change of the admin's password needs `currentPassword`; its reply sets the cookie of a new session, and all others end.",
    body: v.strictObject({ version, changes, currentPassword }),
    reply: made,
  },
  exportSettings: {
    method: "POST",
    path: "/settings/export",
    who: "signed-in-changing",
    summary:
      "The configuration as one text, without secrets; with a passphrase, which needs `currentPassword`, it has them, encrypted.",
    body: v.strictObject({ passphrase: v.optional(passphrase), currentPassword }),
    reply: v.strictObject({ text: v.string() }),
  },
  importSettings: {
    method: "POST",
    path: "/settings/import",
    who: "signed-in-changing",
    summary:
      "Replaces the configuration by an exported one. Secrets that it does not have stay as they are. Another password of the admin in it needs `currentPassword`.",
    body: v.strictObject({
      version,
      text: v.pipe(v.string(), v.minLength(1), v.maxLength(4_000_000)),
      passphrase: v.optional(passphrase),
      currentPassword,
      /** Only tells what would change. */
      isTrial: v.optional(v.boolean(), false),
    }),
    reply: v.strictObject({ ...made.entries, auditId: v.nullable(v.string()) }),
  },
} as const satisfies Record<string, Operation>;
