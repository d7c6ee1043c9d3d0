// Claude Code, Codex and Gemini CLI themselves through the gateway: a prompt to their own provider, and a
// file to be changed by the models of every other family. In the full form only: they are large.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { IS_FULL, plainEnv } from "../kit/gateway.ts";
import { readRecipe } from "./recipe.ts";
import { FAMILIES, type FamilyName, openFamilies, openStage, type Stage } from "./stage.ts";

const PROMPT = "Tell me of the labyrinth.";
/**
 * Names that a program knows. Each stands for another family's model; the program asks in the form of the
 * known model, with thinking budgets or levels, turns in the middle, freeform tools and tools among the
 * input.
 */
const NAMES = {
  claude: { gemini: "claude-opus-5", responses: "claude-haiku-4-5", compat: "claude-sonnet-5" },
  codex: { anthropic: "gpt-5.5", gemini: "gpt-6-sol", compat: "gpt-6.1-terra" },
  gemini: { anthropic: "gemini-3.1-pro-preview", responses: "gemini-2.5-pro", compat: "gemini-2.5-flash" },
} as const satisfies Record<string, Partial<Record<FamilyName, string>>>;

const NAMES_TOML = Object.values(NAMES)
  .flatMap((names) => Object.entries(names) as [FamilyName, string][])
  .map(
    ([family, name]) => `[[models]]\nname = "${name}"\ntargets = ["${family}/${FAMILIES[family].model}"]\n`,
  )
  .join("\n");

interface Extra {
  /** Changes the text of the page's file. */
  readonly edit?: (text: string) => string;
  readonly env?: Readonly<Record<string, string>>;
}

const RUN_LIMIT_MS = 120_000;
const INSTALL_LIMIT_MS = 600_000;

if (IS_FULL) {
  let stage: Stage;
  let families: Stage;
  let commands: string;

  beforeAll(async () => {
    const install = Bun.spawn([join(import.meta.dir, "../../script/install-genuine-clients")], {
      stdin: "ignore",
      stderr: "inherit",
    });
    commands = (await install.stdout.text()).trim();
    if ((await install.exited) !== 0) throw new Error("the command lines could not be installed");
    stage = await openStage();
    families = await openFamilies(NAMES_TOML);
  }, INSTALL_LIMIT_MS);
  afterAll(async () => {
    await stage?.close();
    await families?.close();
  });

  /** A home folder of its own for a command line, so that no user's settings and accounts take part. */
  const homeFor = (name: string, settings: Readonly<Record<string, string>>): string => {
    const home = join(families.folder, name);
    mkdirSync(join(home, "work"), { recursive: true });
    for (const [path, text] of Object.entries(settings)) {
      mkdirSync(join(home, path, ".."), { recursive: true });
      writeFileSync(join(home, path), text);
    }
    return home;
  };

  const run = async (
    home: string,
    command: readonly [name: string, ...args: string[]],
    env: Readonly<Record<string, string>>,
  ): Promise<string> => {
    const [name, ...args] = command;
    const child = Bun.spawn([join(commands, name), ...args], {
      cwd: join(home, "work"),
      env: { ...plainEnv(home), TERM: "dumb", ...env },
      stdin: "ignore",
      stderr: "pipe",
      timeout: RUN_LIMIT_MS,
    });
    const [out, trouble] = await Promise.all([child.stdout.text(), child.stderr.text()]);
    if ((await child.exited) !== 0) throw new Error(`${name} ended with ${child.exitCode}: ${trouble}${out}`);
    return out;
  };

  const expectAnswered = async (out: string, dialect: string, agent: RegExp): Promise<void> => {
    expect(out).toContain(`You said: “${PROMPT}”`);
    expect(out).toContain("naïve café in 東京 🙂.");
    const rows = (await stage.rows()).filter((row) => row.dialect === dialect && row.outcome === "ok");
    expect(rows.at(-1)).toMatchObject({
      key: "tester",
      status: 200,
      is_stream: true,
      usage_state: "final",
      user_agent: expect.stringMatching(agent),
    });
    expect(rows.at(-1)?.output_tokens).toBeGreaterThan(0);
  };

  /** The page of a client as a user follows it, and what a machine without a network and a person needs. */
  const follow = async (page: string, { url, key }: Stage, home: string, more: Extra = {}) => {
    const { env, files } = await readRecipe(page, { url, key });
    const edited = Object.entries(files).map(([path, text]) => [path, more.edit?.(text) ?? text] as const);
    return { home: homeFor(home, Object.fromEntries(edited)), env: { ...env, ...more.env } };
  };
  const claude = async (on: Stage, home: string) =>
    await follow("claude-code", on, home, { env: { CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1" } });
  const codex = async (on: Stage, home: string, model: string, lines = "") =>
    await follow("codex", on, home, {
      edit: (text) =>
        `${text.replace(/^model = .+$/m, `model = "${model}"\n${lines}`)}\n[analytics]\nenabled = false\n`,
    });
  const gemini = async (on: Stage, home: string) =>
    await follow("gemini-cli", on, home, {
      edit: (text) => JSON.stringify({ ...JSON.parse(text), privacy: { usageStatisticsEnabled: false } }),
    });

  test(
    "Claude Code",
    async () => {
      const { home, env } = await claude(stage, "claude");
      const out = await run(home, ["claude", "-p", PROMPT], env);

      await expectAnswered(out, "anthropic-messages", /^claude-cli/);
    },
    RUN_LIMIT_MS,
  );

  test(
    "Claude Code, as if it asked Vertex AI",
    async () => {
      const env = {
        CLAUDE_CODE_USE_VERTEX: "1",
        CLAUDE_CODE_SKIP_VERTEX_AUTH: "1",
        ANTHROPIC_VERTEX_BASE_URL: `${stage.url}/v1`,
        ANTHROPIC_VERTEX_PROJECT_ID: "any",
        CLOUD_ML_REGION: "us-east5",
        ANTHROPIC_CUSTOM_HEADERS: `x-api-key: ${stage.key}`,
        CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1",
      };
      const out = await run(homeFor("claude-vertex", {}), ["claude", "-p", PROMPT], env);

      await expectAnswered(out, "anthropic-messages", /^claude-cli/);
    },
    RUN_LIMIT_MS,
  );

  test(
    "Codex",
    async () => {
      const { home, env } = await codex(stage, "codex", "gpt-5.4");
      const out = await run(home, ["codex", "exec", "--skip-git-repo-check", PROMPT], env);

      await expectAnswered(out, "openai-responses", /^codex/);
    },
    RUN_LIMIT_MS,
  );

  test(
    "Gemini CLI",
    async () => {
      const { home, env } = await gemini(stage, "gemini");
      const command = ["gemini", "--skip-trust", "-m", "gemini-2.5-flash", "-p", PROMPT] as const;
      const out = await run(home, command, env);

      await expectAnswered(out, "gemini", /^GeminiCLI/);
    },
    RUN_LIMIT_MS,
  );

  const OLD_TEXT = "The thread leads in.";
  const NEW_TEXT = "The thread leads out.";

  /** A file in the working folder that the model shall change, by orders to the simulated model. */
  const notesIn = (home: string): string => {
    const file = join(home, "work/notes.txt");
    writeFileSync(file, `${OLD_TEXT}\n`);
    return file;
  };

  /**
   * The model changed the file with the program's own tools and said so; this family answered every turn
   * under whatever model name.
   */
  const expectChanged = async (
    out: string,
    file: string,
    model: string,
    family: FamilyName,
    turns: number,
  ): Promise<void> => {
    expect(readFileSync(file, "utf8").trim()).toBe(NEW_TEXT);
    expect(out).toContain("The result of the tool has been read.");
    expect(out).toContain("naïve café in 東京 🙂.");
    const rows = (await families.rows()).filter((row) => row.model_asked === model);
    expect(rows.length).toBeGreaterThanOrEqual(turns);
    for (const row of rows) {
      expect(row).toMatchObject({ status: 200, outcome: "ok", usage_state: "final", upstream: family });
    }
  };

  /** How each program is started on a prompt with a model of the families. Each has a home of its own. */
  const ask = {
    claude: async (name: string, model: string, prompt: string) => {
      const { home, env } = await claude(families, name);
      const command = ["claude", "-p", prompt, "--model", model, "--permission-mode", "acceptEdits"] as const;
      return await run(home, command, env);
    },
    codex: async (name: string, model: string, prompt: string) => {
      // Without its sandbox, which not every machine allows, the program offers a search of the live web. A
      // server without one refuses that by name, so that a user switches it off.
      const more = name.endsWith("compat") ? 'web_search = "disabled"' : "";
      const { home, env } = await codex(families, name, model, more);
      const free = "--dangerously-bypass-approvals-and-sandbox";
      return await run(home, ["codex", "exec", "--skip-git-repo-check", free, prompt], env);
    },
    gemini: async (name: string, model: string, prompt: string) => {
      const { home, env } = await gemini(families, name);
      const command = [
        "gemini",
        "--skip-trust",
        "--approval-mode",
        "yolo",
        "-m",
        model,
        "-p",
        prompt,
      ] as const;
      return await run(home, command, env);
    },
  };

  /** Orders to the simulated model, by the program's names of its tools. */
  const EDITS: Readonly<Record<keyof typeof NAMES, (file: string) => string>> = {
    claude: (file) => {
      const edit = { file_path: file, old_string: OLD_TEXT, new_string: NEW_TEXT };
      return `[[call Read ${JSON.stringify({ file_path: file })}]] [[call Edit ${JSON.stringify(edit)}]]`;
    },
    codex: () => "[[run cat notes.txt]] [[run sed -i s/in.$/out./ notes.txt]]",
    gemini: (file) => {
      const edit = {
        file_path: file,
        instruction: "Turn it",
        old_string: OLD_TEXT,
        new_string: NEW_TEXT,
      };
      return `[[call read_file ${JSON.stringify({ file_path: file })}]] [[call replace ${JSON.stringify(edit)}]]`;
    },
  };

  const CAST = Object.entries(NAMES).flatMap(([program, names]) =>
    Object.entries(names).map(
      ([family, name]) => [program as keyof typeof NAMES, family as FamilyName, name] as const,
    ),
  );

  test.each(CAST)(
    "%s reads and edits a file with a model of %s",
    async (program, family) => {
      const model = `${family}/${FAMILIES[family].model}`;
      const home = `${program}-${family}`;
      const file = notesIn(homeFor(home, {}));
      const out = await ask[program](home, model, EDITS[program](file));

      await expectChanged(out, file, model, family, 3);
    },
    RUN_LIMIT_MS,
  );

  test.each(CAST)(
    "%s writes a file with a model of %s that it knows as %s",
    async (program, family, name) => {
      const home = `${program}-named-${family}`;
      const out = await ask[program](home, name, `[[write notes.txt ${NEW_TEXT}]]`);

      await expectChanged(out, join(families.folder, home, "work/notes.txt"), name, family, 2);
    },
    RUN_LIMIT_MS,
  );
}
