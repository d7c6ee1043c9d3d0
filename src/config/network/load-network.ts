/** The way of connections that are no upstream's, for commands that need nothing else of the configuration. */
import { dirname, resolve } from "node:path";
import { Draft } from "../draft.ts";
import { applyOverrides, type Env } from "../environment.ts";
import { readToml, shownName } from "../file.ts";
import { ConfigError } from "../problem.ts";
import { resolveSecret } from "../secret.ts";
import { networkVia } from "./resolve-vias.ts";
import type { Via } from "./via.ts";

const PROXY = ["network", "proxy"];

export interface LoadNetworkOptions {
  /** From `findConfigFile`; null: there is none. */
  readonly file: string | null;
  readonly env: Env;
  readonly cwd: string;
}

/** Throws `ConfigError` when the file cannot be read, or `[network]` is wrong; all else in the file may be wrong. */
export async function loadNetworkVia({ file, env, cwd }: LoadNetworkOptions): Promise<Via> {
  const toml = file === null ? null : await readToml(file, cwd);
  const draft = new Draft(file === null ? null : shownName(file, cwd), toml);
  applyOverrides(draft, env, {});
  const secrets = new Map<string, string>();
  const written = draft.get(PROXY);
  const baseDir = file === null || draft.originOf(PROXY) !== null ? cwd : dirname(resolve(cwd, file));
  if (typeof written === "string" && written.trim() !== "") {
    const result = await resolveSecret(written, env, baseDir);
    if (result.ok) secrets.set(PROXY.join("."), result.text);
    else draft.refuse(PROXY, result.message, result.repair);
  }
  const via = networkVia({ draft, secrets, env });
  if (draft.problems.length > 0) throw new ConfigError(draft.problems, draft.readFiles);
  return via;
}
