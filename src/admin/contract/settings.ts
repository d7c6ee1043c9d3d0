/** The configuration: what it says, where each value comes from, and changes of it. */
import * as v from "valibot";
import type { Operation } from "./operation.ts";

/** As in `server.port` or `upstreams[0].credentials[1].weight`. */
const path = v.pipe(v.string(), v.minLength(1), v.maxLength(512));

const value = v.strictObject({
  path,
  /** null for a secret, which is never shown. */
  value: v.unknown(),
  isSecret: v.boolean(),
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

const change = v.strictObject({
  path,
  /** Absent: the value is taken away, so the default holds. */
  value: v.optional(v.unknown()),
});

const version = v.pipe(v.string(), v.minLength(1), v.maxLength(128));
const changes = v.pipe(v.array(change), v.minLength(1), v.maxLength(1_000));

const difference = v.strictObject({
  path: v.string(),
  /** Without secrets; null: it was not there, or will not be. */
  before: v.nullable(v.string()),
  after: v.nullable(v.string()),
});

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
        }),
      ),
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
    summary: "Changes the configuration file. The status 409 says that the file has another version by now.",
    body: v.strictObject({ version, changes }),
    reply: v.strictObject({
      version,
      auditId: v.string(),
      differences: v.array(difference),
      atNextStart: v.array(v.string()),
    }),
  },
} as const satisfies Record<string, Operation>;
