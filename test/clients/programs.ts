/**
 * Genuine command lines of coding agents, set up as their pages in docs/clients/ say. Each run has a home folder of its
 * own, so that no user's settings and accounts take part.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { plainEnv } from "../kit/gateway.ts";
import { readRecipe } from "./recipe.ts";

export const RUN_LIMIT_MS = 120_000;
export const INSTALL_LIMIT_MS = 600_000;

/** The gateway that a program asks. */
export interface Gate {
  readonly url: string;
  readonly key: string;
  /** Home folders are made in it. */
  readonly folder: string;
}

/** How a program is set up from its page. */
export interface SetUp {
  /** The name of its page. */
  readonly page: string;
  /** Changes the file of the page: the model, and reports to the program's maker. */
  readonly edit?: (text: string, model: string) => string;
  readonly env?: Readonly<Record<string, string>>;
  /** How the line of the page begins that is run once before others. */
  readonly login?: string;
}

interface Program extends SetUp {
  /** Works on a prompt without asking a person. */
  readonly command: (model: string, prompt: string) => readonly [name: string, ...args: string[]];
  /** Orders to a simulated model to call a tool of the program's. Files are absolute paths. */
  readonly orders: {
    readonly read: (file: string) => string;
    readonly write: (file: string, text: string) => string;
    readonly run: (command: string) => string;
  };
}

export const call = (tool: string, args: Readonly<Record<string, unknown>>): string =>
  `[[call ${tool} ${JSON.stringify(args)}]]`;

/** The simulated model knows the tools that write and run of most programs. */
const KNOWN_TOOLS = {
  write: (file: string, text: string) => `[[write ${file} ${text}]]`,
  run: (command: string) => `[[run ${command}]]`,
};

const withoutReports = (text: string): string =>
  JSON.stringify({ ...JSON.parse(text), privacy: { usageStatisticsEnabled: false } });

export const PROGRAMS = {
  claude: {
    page: "claude-code",
    env: { CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1" },
    command: (model, prompt) => [
      "claude",
      ...["-p", prompt, "--model", model, "--permission-mode", "acceptEdits", "--allowedTools", "Bash"],
    ],
    orders: { ...KNOWN_TOOLS, read: (file) => call("Read", { file_path: file }) },
  },
  codex: {
    page: "codex",
    edit: (text, model) =>
      `${text.replace(/^model = .+$/m, `model = "${model}"`)}\n[analytics]\nenabled = false\n`,
    // Its sandbox is not allowed on every machine.
    command: (_model, prompt) => [
      "codex",
      ...["exec", "--skip-git-repo-check", "--dangerously-bypass-approvals-and-sandbox", prompt],
    ],
    orders: { ...KNOWN_TOOLS, read: (file) => `[[run cat ${file}]]` },
  },
  gemini: {
    page: "gemini-cli",
    edit: withoutReports,
    command: (model, prompt) => [
      "gemini",
      ...["--skip-trust", "--approval-mode", "yolo", "-m", model, "-p", prompt],
    ],
    orders: { ...KNOWN_TOOLS, read: (file) => call("read_file", { file_path: file }) },
  },
  qwen: {
    page: "qwen-code",
    edit: withoutReports,
    command: (model, prompt) => ["qwen", "--approval-mode", "yolo", "-m", model, "-p", prompt],
    orders: { ...KNOWN_TOOLS, read: (file) => call("read_file", { file_path: file }) },
  },
  cline: {
    page: "cline",
    login: "cline auth ",
    command: (model, prompt) => ["cline", "-m", model, prompt],
    orders: {
      read: (file) => call("read_files", { files: [{ path: file }] }),
      write: (file, text) => call("editor", { path: file, new_text: text }),
      run: (command) => call("run_commands", { commands: [command] }),
    },
  },
} as const satisfies Record<string, Program>;

export type ProgramName = keyof typeof PROGRAMS;

/** Installs these command lines, or all, once; resolves to the folder of their commands. */
export async function installPrograms(...names: readonly ProgramName[]): Promise<string> {
  const install = Bun.spawn([join(import.meta.dir, "../../script/install-genuine-clients"), ...names], {
    stdin: "ignore",
    stderr: "inherit",
  });
  const commands = (await install.stdout.text()).trim();
  if ((await install.exited) !== 0) throw new Error("the command lines could not be installed");
  return commands;
}

/** Makes a home folder with a working folder in it; returns its path. */
export function makeHome(
  { folder }: Pick<Gate, "folder">,
  name: string,
  files: Readonly<Record<string, string>> = {},
): string {
  const home = join(folder, name);
  mkdirSync(join(home, "work"), { recursive: true });
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(join(home, path, ".."), { recursive: true });
    writeFileSync(join(home, path), text);
  }
  return home;
}

/** A home folder in which a program is set up as its page says, and the environment of its page. */
export interface Home {
  readonly home: string;
  readonly env: Readonly<Record<string, string>>;
}

/** Sets a program up in a home folder of this name. */
export async function setUp(
  program: ProgramName,
  gate: Gate,
  commands: string,
  name: string,
  model: string,
): Promise<Home> {
  return await setUpFrom(PROGRAMS[program], gate, commands, name, model);
}

/** The same for any program with a page. */
export async function setUpFrom(
  { page, edit, env: more, login }: SetUp,
  gate: Gate,
  commands: string,
  name: string,
  model: string,
): Promise<Home> {
  const recipe = await readRecipe(page, gate);
  const files = Object.entries(recipe.files).map(([path, text]) => [path, edit?.(text, model) ?? text]);
  const home = makeHome(gate, name, Object.fromEntries(files));
  const env = { ...recipe.env, ...more };
  const line = login === undefined ? undefined : recipe.commands.find((one) => one.startsWith(login));
  if (line !== undefined) await runIn(home, "/bin", ["sh", "-c", `PATH=${commands}:$PATH ${line}`], env);
  return { home, env };
}

/** What a command printed. */
export interface Printed {
  readonly out: string;
  readonly err: string;
}

/** Runs a command in the working folder of a home to its end; throws where the command fails. */
export async function runIn(
  home: string,
  commands: string,
  [name, ...args]: readonly [name: string, ...args: string[]],
  env: Readonly<Record<string, string>>,
): Promise<Printed> {
  const child = Bun.spawn([join(commands, name), ...args], {
    cwd: join(home, "work"),
    env: { ...plainEnv(home), PATH: `${commands}:${process.env.PATH}`, TERM: "dumb", ...env },
    stdin: "ignore",
    stderr: "pipe",
    timeout: RUN_LIMIT_MS,
  });
  const [out, err] = await Promise.all([child.stdout.text(), child.stderr.text()]);
  if ((await child.exited) !== 0) throw new Error(`${name} ended with ${child.exitCode}: ${err}${out}`);
  return { out, err };
}
