/** The data folder of a configuration that is not valid now: a gateway serves on with what it was before. */
import { readFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import type { Env } from "../environment.ts";
import { resolvePath, stateFolder } from "../folders.ts";
import { loadDraft } from "../load.ts";

interface Options {
  readonly file: string | null;
  readonly env: Env;
  readonly cwd: string;
}

/** A line of the file, where the file is no TOML. */
const LINE = /^[ \t]*data_dir[ \t]*=[ \t]*(?:"([^"\\\n]+)"|'([^'\n]+)')/m;

/** What the file and the variables say of the folder, whatever else is wrong with them. */
export async function dataDirOfBroken({ file, env, cwd }: Options): Promise<string> {
  const baseDir = file === null ? cwd : dirname(resolve(cwd, file));
  const written = await writtenDataDir({ file, env, cwd });
  return written === null ? stateFolder(env) : resolvePath(written, baseDir, env);
}

async function writtenDataDir({ file, env, cwd }: Options): Promise<string | null> {
  try {
    const value = (await loadDraft({ file, env, flags: {}, cwd })).get(["server", "data_dir"]);
    return typeof value === "string" && value !== "" ? value : null;
  } catch {
    if (env.CLEWLINE_DATA_DIR !== undefined) return env.CLEWLINE_DATA_DIR;
    const text = file === null ? "" : await readFile(resolve(cwd, file), "utf8").catch(() => "");
    const [, double, single] = LINE.exec(text) ?? [];
    return double ?? single ?? null;
  }
}
