// Claude Code, Codex and Gemini CLI themselves through the gateway: a prompt to their own provider, and a
// file to be changed by the models of every other family. In the full form only: they are large.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { IS_FULL } from "../kit/gateway.ts";
import {
  call,
  INSTALL_LIMIT_MS,
  installPrograms,
  makeHome,
  PROGRAMS,
  RUN_LIMIT_MS,
  runIn,
  setUp,
} from "./programs.ts";
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

if (IS_FULL) {
  let stage: Stage;
  let families: Stage;
  let commands: string;

  beforeAll(async () => {
    commands = await installPrograms();
    stage = await openStage();
    families = await openFamilies(NAMES_TOML);
  }, INSTALL_LIMIT_MS);
  afterAll(async () => {
    await stage?.close();
    await families?.close();
  });

  const run = async (
    home: string,
    command: readonly [name: string, ...args: string[]],
    env: Readonly<Record<string, string>>,
  ): Promise<string> => (await runIn(home, commands, command, env)).out;

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

  test(
    "Claude Code",
    async () => {
      const { home, env } = await setUp("claude", stage, commands, "claude", "");
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
      const out = await run(makeHome(stage, "claude-vertex"), ["claude", "-p", PROMPT], env);

      await expectAnswered(out, "anthropic-messages", /^claude-cli/);
    },
    RUN_LIMIT_MS,
  );

  test(
    "Codex",
    async () => {
      const { home, env } = await setUp("codex", stage, commands, "codex", "gpt-5.4");
      const out = await run(home, ["codex", "exec", "--skip-git-repo-check", PROMPT], env);

      await expectAnswered(out, "openai-responses", /^codex/);
    },
    RUN_LIMIT_MS,
  );

  test(
    "Codex's own provider at another base URL begins without a reconnect",
    async () => {
      const home = makeHome(stage, "codex-base-url", {
        ".codex/config.toml": `model = "gpt-5.4"\nopenai_base_url = "${stage.url}/v1"\n[analytics]\nenabled = false\n`,
      });
      const login = ["sh", "-c", "printenv CLEWLINE_KEY | codex login --with-api-key"] as const;
      await runIn(home, "/bin", login, { CLEWLINE_KEY: stage.key, PATH: `${commands}:${process.env.PATH}` });
      const command = ["codex", "exec", "--skip-git-repo-check", PROMPT] as const;
      const { out, err } = await runIn(home, commands, command, {});

      // The program tries a WebSocket first. It counts what it tries again on its error output.
      expect(err).not.toMatch(/reconnect/i);
      await expectAnswered(out, "openai-responses", /^codex/);
    },
    RUN_LIMIT_MS,
  );

  test(
    "Gemini CLI",
    async () => {
      const { home, env } = await setUp("gemini", stage, commands, "gemini", "gemini-2.5-flash");
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

  /** Works on a prompt with a model of the families, in a home of its own. */
  const ask = async (
    program: keyof typeof NAMES,
    name: string,
    model: string,
    prompt: string,
  ): Promise<string> => {
    const { home, env } = await setUp(program, families, commands, name, model);
    return await run(home, PROGRAMS[program].command(model, prompt), env);
  };

  /** Orders to the simulated model, by the program's names of its tools. */
  const EDITS: Readonly<Record<keyof typeof NAMES, (file: string) => string>> = {
    claude: (file) => {
      const edit = { file_path: file, old_string: OLD_TEXT, new_string: NEW_TEXT };
      return `${PROGRAMS.claude.orders.read(file)} ${call("Edit", edit)}`;
    },
    codex: () => "[[run cat notes.txt]] [[run sed -i s/in.$/out./ notes.txt]]",
    gemini: (file) => {
      const edit = {
        file_path: file,
        instruction: "Turn it",
        old_string: OLD_TEXT,
        new_string: NEW_TEXT,
      };
      return `${PROGRAMS.gemini.orders.read(file)} ${call("replace", edit)}`;
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
      const file = notesIn(makeHome(families, home));
      const out = await ask(program, home, model, EDITS[program](file));

      await expectChanged(out, file, model, family, 3);
    },
    RUN_LIMIT_MS,
  );

  test.each(CAST)(
    "%s writes a file with a model of %s that it knows as %s",
    async (program, family, name) => {
      const home = `${program}-named-${family}`;
      const out = await ask(program, home, name, `[[write notes.txt ${NEW_TEXT}]]`);

      await expectChanged(out, join(families.folder, home, "work/notes.txt"), name, family, 2);
    },
    RUN_LIMIT_MS,
  );
}
