// Claude Code, Codex and Gemini CLI themselves through the gateway: one prompt each. In the full form only: they are large.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { IS_FULL, plainEnv } from "../kit/gateway.ts";
import { openStage, type Stage } from "./stage.ts";

const PROMPT = "Tell me of the labyrinth.";
const RUN_LIMIT_MS = 120_000;
const INSTALL_LIMIT_MS = 600_000;

if (IS_FULL) {
  let stage: Stage;
  let commands: string;

  beforeAll(async () => {
    const install = Bun.spawn([join(import.meta.dir, "../../script/genuine-clients")], {
      stdin: "ignore",
      stderr: "inherit",
    });
    commands = (await install.stdout.text()).trim();
    if ((await install.exited) !== 0) throw new Error("the command lines could not be installed");
    stage = await openStage();
  }, INSTALL_LIMIT_MS);
  afterAll(async () => await stage?.close());

  /** A home of its own for a command line, so that nobody's settings and accounts take part. */
  const homeFor = (name: string, settings: Readonly<Record<string, string>>): string => {
    const home = join(stage.folder, name);
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

  test(
    "Claude Code",
    async () => {
      const env = { ANTHROPIC_BASE_URL: stage.url, ANTHROPIC_AUTH_TOKEN: stage.key };
      const out = await run(homeFor("claude", {}), ["claude", "-p", PROMPT], env);

      await expectAnswered(out, "anthropic-messages", /^claude-cli/);
    },
    RUN_LIMIT_MS,
  );

  test(
    "Codex",
    async () => {
      const config = `model = "gpt-5.4"
model_provider = "clewline"

[model_providers.clewline]
name = "Clewline"
base_url = "${stage.url}/v1"
env_key = "CLEWLINE_KEY"
wire_api = "responses"
`;
      const home = homeFor("codex", { ".codex/config.toml": config });
      const env = { CLEWLINE_KEY: stage.key };
      const out = await run(home, ["codex", "exec", "--skip-git-repo-check", PROMPT], env);

      await expectAnswered(out, "openai-responses", /^codex/);
    },
    RUN_LIMIT_MS,
  );

  test(
    "Gemini CLI",
    async () => {
      const settings = { security: { auth: { selectedType: "gemini-api-key" } } };
      const home = homeFor("gemini", { ".gemini/settings.json": JSON.stringify(settings) });
      const env = { GOOGLE_GEMINI_BASE_URL: stage.url, GEMINI_API_KEY: stage.key };
      const out = await run(home, ["gemini", "--skip-trust", "-m", "gemini-2.5-flash", "-p", PROMPT], env);

      await expectAnswered(out, "gemini", /^GeminiCLI/);
    },
    RUN_LIMIT_MS,
  );
}
