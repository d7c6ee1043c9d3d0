/** Reads what a page of docs/clients/ tells a user to set, so that a test sets the same. */
import { join } from "node:path";

const PAGES = join(import.meta.dir, "../../docs/clients");
/** The gateway's address on every page. */
export const PAGE_URL = "http://127.0.0.1:8484";

export interface Block {
  /** `sh`, `json`, `toml`, `python`, `ts`, …; "" for none. */
  readonly language: string;
  /** The file that the line before the block names, such as `~/.codex/config.toml`; null: none. */
  readonly file: string | null;
  readonly text: string;
}

export interface Recipe {
  readonly env: Readonly<Record<string, string>>;
  /** Contents by path below the home folder. */
  readonly files: Readonly<Record<string, string>>;
  /** The other lines for a shell. */
  readonly commands: readonly string[];
}

/** The blocks of code of a page, in order. */
export function blocksOf(page: string): readonly Block[] {
  return [...page.matchAll(/(?:^`([^`\n]+)`:\n\n)?^```(\w*)\n([^`]*)^```$/gm)].map(
    ([, file = null, language = "", text = ""]) => ({ language, file, text }),
  );
}

/** The blocks of the page `name`, for a gateway at `url`. */
export async function readBlocks(name: string, url: string): Promise<readonly Block[]> {
  const page = await Bun.file(join(PAGES, `${name}.md`)).text();
  return blocksOf(page.replaceAll(PAGE_URL, url));
}

/** The settings of the page `name`, for a gateway at `url` and a client key. */
export async function readRecipe(name: string, { url, key }: { url: string; key: string }): Promise<Recipe> {
  const env: Record<string, string> = { CLEWLINE_KEY: key };
  const files: Record<string, string> = {};
  const commands: string[] = [];
  for (const { language, file, text } of await readBlocks(name, url)) {
    if (file !== null) files[file.replace(/^~\//, "")] = text;
    if (language !== "sh") continue;
    commands.push(...text.split("\n").filter((line) => line !== "" && !line.startsWith("export ")));
    for (const [, words = ""] of text.matchAll(/^export (.+)$/gm)) {
      for (const word of words.split(/\s+/)) {
        const [variable = "", value] = word.split("=", 2);
        if (value !== undefined) env[variable] = value.replace("$CLEWLINE_KEY", key);
      }
    }
  }
  return { env, files, commands };
}
