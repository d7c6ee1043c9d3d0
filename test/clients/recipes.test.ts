// The code on the pages of curl and the SDKs is run as it stands, but for the gateway's address. Command lines are set up
// from their pages in programs.ts, and further libraries in tried/.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { plainEnv } from "../kit/gateway.ts";
import { type Block, readBlocks } from "./recipe.ts";
import { openStage, type Stage } from "./stage.ts";

const ROOT = join(import.meta.dir, "../..");
/** Below the packages of the SDKs, where the JavaScript of a page finds them. */
const CODE = join(ROOT, "node_modules/.cache/clewline-recipes");
const INSTALL_LIMIT_MS = 300_000;
const RUN_LIMIT_MS = 60_000;

/** How many answers the blocks of a page print, in order; 0: a block for a shell that sets variables alone. */
const PAGES = {
  curl: [1],
  "openai-sdk": [0, 1, 1],
  "anthropic-sdk": [0, 1, 1],
  "google-genai-sdk": [0, 1, 1],
  "ai-sdk": [3],
} as const;

let stage: Stage;
let python: string;

beforeAll(async () => {
  const install = Bun.spawn([join(ROOT, "script/install-python-sdks")], { stdin: "ignore" });
  python = (await install.stdout.text()).trim();
  expect(await install.exited).toBe(0);
  mkdirSync(CODE, { recursive: true });
  stage = await openStage();
}, INSTALL_LIMIT_MS);
afterAll(async () => {
  await stage?.close();
  rmSync(CODE, { recursive: true, force: true });
});

/** The line for a shell that runs a block. */
function lineFor({ language, text }: Block): string {
  if (language === "sh") return text;
  const file = join(CODE, `${crypto.randomUUID()}.${language === "python" ? "py" : "ts"}`);
  writeFileSync(file, text);
  return `${language === "python" ? python : process.execPath} ${file}`;
}

/** Runs lines in a shell that has the key alone, and counts the answers that they print. */
async function countAnswers(...lines: readonly string[]): Promise<number> {
  const shell = Bun.spawn(["bash", "-euc", lines.join("\n")], {
    cwd: stage.folder,
    env: { ...plainEnv(stage.folder), CLEWLINE_KEY: stage.key },
    stdin: "ignore",
    stderr: "pipe",
  });
  const [out, trouble] = await Promise.all([shell.stdout.text(), shell.stderr.text()]);
  if ((await shell.exited) !== 0) throw new Error(`${lines.join("\n")}\n${trouble}${out}`);
  return out.split("You said: “Hello”").length - 1;
}

describe.each(Object.entries(PAGES))("%s", (page, answers) => {
  test(
    "each block does what the page says",
    async () => {
      const counts: number[] = [];
      for (const block of await readBlocks(page, stage.url)) counts.push(await countAnswers(lineFor(block)));

      expect(counts).toEqual([...answers]);
    },
    RUN_LIMIT_MS,
  );

  const CONSTRUCTOR = /(new )?\b(OpenAI|Anthropic|GoogleGenAI|genai\.Client)\([^)]+\)/;
  test.if(answers[0] === 0)(
    "the variables do in place of the arguments",
    async () => {
      const [variables, ...programs] = await readBlocks(page, stage.url);
      for (const program of programs) {
        const text = program.text.replace(CONSTRUCTOR, (_all, isJs = "", name: string) =>
          name === "GoogleGenAI" ? `${isJs}${name}({})` : `${isJs}${name}()`,
        );
        expect(text).not.toBe(program.text);
        expect(await countAnswers(variables?.text ?? "", lineFor({ ...program, text }))).toBe(1);
      }
    },
    RUN_LIMIT_MS,
  );
});
