/**
 * Values from the environment and from flags: each scalar key of a single table has a variable, and a few
 * keys have a flag.
 */

import { suggest } from "../core/nearest.ts";
import type { Draft } from "./draft.ts";
import type { Path } from "./problem.ts";
import { looksSecret } from "./problem.ts";
import { configSchemaEntries, schemaAt, shapeOf } from "./schema-entries.ts";

export type Env = Readonly<Record<string, string | undefined>>;

/** Values from the command line; texts are read as in the environment. */
export interface ConfigFlags {
  readonly host?: string | undefined;
  readonly port?: number | string | undefined;
  readonly dataDir?: string | undefined;
  readonly logLevel?: string | undefined;
}

const FLAGS: readonly (readonly [flag: keyof ConfigFlags, name: string, path: Path])[] = [
  ["host", "--host", ["server", "host"]],
  ["port", "--port", ["server", "port"]],
  ["dataDir", "--data-dir", ["server", "data_dir"]],
  ["logLevel", "--log-level", ["log", "level"]],
];

/** Short forms of variables. The long form wins. */
const SHORT_FORMS: Readonly<Record<string, Path>> = {
  CLEWLINE_HOST: ["server", "host"],
  CLEWLINE_PORT: ["server", "port"],
  CLEWLINE_DATA_DIR: ["server", "data_dir"],
  CLEWLINE_LOG_LEVEL: ["log", "level"],
};

/**
 * Other names with a meaning: the file, the client's key as the README names it, and names that tests and the
 * process itself use.
 */
const OTHER_NAMES = /^CLEWLINE_(CONFIG$|KEY$|TEST_|INTERNAL_)/;

// Kubernetes sets these variables in every pod beside a service named "clewline", CLEWLINE_PORT among them,
// as tcp://address.
const KUBERNETES_NAMES =
  /^CLEWLINE_(SERVICE_(HOST|PORT(_.+)?)|PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)$/;
const KUBERNETES_VALUE = /^(tcp|udp|sctp):\/\//;

/**
 * Replaces values of the file by values of the environment and of flags. An empty variable counts as not set.
 */
export function applyOverrides(draft: Draft, env: Env, flags: ConfigFlags): void {
  const longForms = configSchemaEntries().flatMap((entry): [string, Path][] =>
    entry.env === null ? [] : [[entry.env, entry.key.split(".")]],
  );
  for (const [name, path] of [...Object.entries(SHORT_FORMS), ...longForms]) {
    const value = env[name];
    if (value !== undefined && value !== "" && !isFromKubernetes(name, value)) {
      draft.override(path, readText(path, value), name);
    }
  }
  for (const [flag, name, path] of FLAGS) {
    const value = flags[flag];
    if (value !== undefined) draft.override(path, readText(path, String(value)), name);
  }
}

/**
 * Warns of `CLEWLINE_` variables that nothing reads. `referenced` are the names in the file's `env:` values.
 */
export function warnOfUnknownVariables(draft: Draft, env: Env, referenced: ReadonlySet<string>): void {
  const known = [
    "CLEWLINE_CONFIG",
    ...Object.keys(SHORT_FORMS),
    ...configSchemaEntries().flatMap((entry) => entry.env ?? []),
  ];
  for (const [name, value] of Object.entries(env)) {
    if (!name.startsWith("CLEWLINE_") || value === undefined || value === "") continue;
    if (
      known.includes(name) ||
      referenced.has(name) ||
      OTHER_NAMES.test(name) ||
      isFromKubernetes(name, value)
    )
      continue;
    draft.warnOutside(
      looksSecret(name) ? "CLEWLINE_(hidden)" : name,
      "nothing reads this variable",
      suggest(name, known, "remove the variable, or see the names in docs/configuration.md"),
    );
  }
}

function isFromKubernetes(name: string, value: string): boolean {
  return KUBERNETES_NAMES.test(name) || (name === "CLEWLINE_PORT" && KUBERNETES_VALUE.test(value));
}

/** Converts text to the type of the key. Text that does not fit stays text, and the schema reports it. */
export function readText(path: Path, text: string): unknown {
  const schema = schemaAt(path);
  switch (schema === null ? null : shapeOf(schema).kind) {
    case "number":
      return /^-?\d+$/.test(text) ? Number(text) : text;
    case "boolean":
      return text === "true" ? true : text === "false" ? false : text;
    case "list":
      return text
        .split(",")
        .map((part) => part.trim())
        .filter((part) => part !== "");
    default:
      return text;
  }
}
