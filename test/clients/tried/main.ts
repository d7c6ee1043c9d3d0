/**
 * Tries clients through a gateway on simulated providers: `bun test/clients/tried/main.ts [--servers] [CLIENT…]`; with
 * `--servers` on servers that are strict in ways of their own. Each client is installed once, below node_modules/.cache.
 * Prints a line a client and dialect: with which models it did which task, as in the table of docs/clients/README.md.
 * What went wrong is on the error output.
 */
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { plainEnv } from "../../kit/gateway.ts";
import { installPrograms, makeHome, PROGRAMS, runIn, setUp, setUpFrom } from "../programs.ts";
import { readBlocks, readRecipe } from "../recipe.ts";
import { END_OF_ANSWER, QUESTION } from "../scene.ts";
import { openServers, openStage, SERVERS, type Stage } from "../stage.ts";
import {
  type Agent,
  type Case,
  CLIENTS,
  type CommandLine,
  type Library,
  type Packages,
  type Site,
  type Task,
  type Tried,
  WEATHER,
} from "./clients.ts";
import { openSite } from "./open-site.ts";

const HERE = import.meta.dir;
const CACHE = join(HERE, "../../../node_modules/.cache/clewline-tried-clients");
const RUN_LIMIT_MS = 300_000;

/** A model of each provider: OpenAI, Anthropic, Google. */
const PROVIDERS = { O: "gpt-5-mini", A: "claude-haiku-4-5", G: "gemini-3-flash" };
/** A model of each strict server: DeepSeek, Mistral, OpenRouter, vLLM. */
const ON_SERVERS = {
  D: `deepseek/${SERVERS.deepseek}`,
  M: `mistral/${SERVERS.mistral}`,
  R: `openrouter/${SERVERS.openrouter}`,
  V: `vllm/${SERVERS.vllm}`,
};
const { values, positionals: names } = parseArgs({
  options: { servers: { type: "boolean" } },
  allowPositionals: true,
});
const MODELS: Readonly<Record<string, string>> = values.servers ? ON_SERVERS : PROVIDERS;

/** What an answer holds that has come whole. */
const PROOF: Readonly<Record<Task, string>> = {
  text: END_OF_ANSWER,
  tools: "The result of the tool has been read.",
  structured: '"shape":"round"',
};

/** A client's answer to a case. */
interface Told extends Omit<Case, "prompt"> {
  readonly text?: string;
  readonly trouble?: string;
}

function fold(name: string): string {
  return name.replaceAll(/\W+/g, "-").toLowerCase();
}

async function succeed(command: readonly string[], cwd: string): Promise<void> {
  const child = Bun.spawn([...command], { cwd, stdin: "ignore", stdout: "ignore", stderr: "pipe" });
  const trouble = await child.stderr.text();
  if ((await child.exited) !== 0) throw new Error(`${command.join(" ")}: ${trouble.slice(-600)}`);
}

/** What the packages require that are installed, but for these. */
async function requirementsIn(commands: string, without: readonly string[]): Promise<readonly string[]> {
  const list =
    "import importlib.metadata as m; [print(r) for d in m.distributions() for r in d.requires or []]";
  const child = Bun.spawn([join(commands, "python"), "-c", list], { stdin: "ignore" });
  const lines = (await child.stdout.text()).trim().split("\n");
  return lines.filter((line) => !line.includes(";") && !without.includes(/^[\w.-]+/.exec(line)?.[0] ?? ""));
}

/** Installs a client, once for its packages; resolves to the folder of its commands. */
async function install({ name, from }: { readonly name: string; readonly from: Packages }): Promise<string> {
  const place = join(CACHE, fold(name));
  const isPython = "pip" in from;
  const packages = isPython ? from.pip : from.npm;
  const commands = join(place, isPython ? "bin" : "node_modules/.bin");
  const stamp = join(place, "installed.txt");
  if (!existsSync(stamp) || readFileSync(stamp, "utf8") !== packages.join(" ")) {
    rmSync(place, { recursive: true, force: true });
    mkdirSync(place, { recursive: true });
    if (isPython) {
      await succeed(["python3", "-m", "venv", "--without-pip", place], place);
      const pip = ["python3", "-m", "pip", "--python", join(commands, "python"), "install", "-q"];
      const add = [...pip, "--disable-pip-version-check", "--no-compile"];
      if (from.without === undefined) await succeed([...add, ...packages], place);
      else {
        await succeed([...add, "--no-deps", ...packages], place);
        await succeed([...add, ...(await requirementsIn(commands, from.without))], place);
      }
    } else {
      await succeed(["npm", "install", "--no-audit", "--no-fund", "--prefix", place, ...packages], place);
    }
    writeFileSync(stamp, packages.join(" "));
  }
  return commands;
}

async function outputOf(
  command: readonly string[],
  home: string,
  env: Readonly<Record<string, string>>,
): Promise<{ readonly isGood: boolean; readonly out: string; readonly err: string }> {
  const child = Bun.spawn([...command], {
    cwd: join(home, "work"),
    env: { ...plainEnv(home), TERM: "dumb", ...env },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
    timeout: RUN_LIMIT_MS,
    killSignal: "SIGKILL",
  });
  const [out, err] = await Promise.all([child.stdout.text(), child.stderr.text()]);
  return { isGood: (await child.exited) === 0, out, err };
}

/** Runs the script of a library, which prints a line of JSON for each case. */
async function askLibrary(
  library: Library,
  commands: string,
  gate: Stage,
  cases: readonly Case[],
): Promise<Told[]> {
  const home = makeHome(gate, fold(library.name));
  const isPython = "pip" in library.from;
  // Node looks for packages above the script.
  const place = isPython ? join(HERE, "python") : join(commands, "../..");
  if (!isPython) cpSync(join(HERE, "node"), place, { recursive: true });
  const env = {
    GATEWAY_URL: gate.url,
    GATEWAY_KEY: gate.key,
    CASES: JSON.stringify(cases),
    PYTHONDONTWRITEBYTECODE: "1",
    ...library.env?.(gate, cases[0] as Case),
  };
  const command = [isPython ? join(commands, "python") : "node", join(place, library.script)];
  const { out, err } = await outputOf(command, home, env);
  const told = out
    .split("\n")
    .flatMap((line): Told[] => (line.startsWith('{"model"') ? [JSON.parse(line)] : []));
  if (told.length < cases.length) console.error(`-- ${library.name}:\n${(out + err).slice(-3000)}`);
  return told;
}

/** Runs the code on the page of a library as it stands; throws where it prints no answer. */
async function runPage({ name, page, from }: Library, commands: string, gate: Stage): Promise<boolean> {
  if (page === undefined) return false;
  const isPython = "pip" in from;
  const { env } = await readRecipe(page, gate);
  const home = makeHome(gate, fold(`${name} page`));
  for (const { language, text } of await readBlocks(page, gate.url)) {
    if (language !== (isPython ? "python" : "ts")) continue;
    const file = join(isPython ? home : join(commands, "../.."), `page.${isPython ? "py" : "ts"}`);
    writeFileSync(file, text);
    const runner = isPython ? join(commands, "python") : process.execPath;
    const { isGood, out, err } = await outputOf([runner, file], home, env);
    if (!isGood || !out.includes("You said")) throw new Error(`the page: ${(out + err).slice(-3_000)}`);
  }
  return true;
}

/** Starts a program for each case. */
async function askProgram(
  program: CommandLine,
  commands: string,
  gate: Stage,
  cases: readonly Case[],
): Promise<Told[]> {
  const told: Told[] = [];
  // Some need a newer Node than the machine may have; so does this agent.
  const newerNode = await installPrograms("qwen");
  for (const one of cases) {
    const { model, way, task } = one;
    const name = fold(`${program.name} ${way} ${model} ${task}`);
    const { page, login } = program;
    const more = program.env?.(gate, one) ?? {};
    const edit = (text: string): string => program.edit?.(text, one) ?? text;
    const { home, env: known } =
      page === undefined
        ? { home: makeHome(gate, name, program.settings?.(gate, one)), env: more }
        : await setUpFrom({ page, edit, env: more, ...(login && { login }) }, gate, commands, name, model);
    writeFileSync(join(home, "work/notes.txt"), "The thread leads in.\n");
    const env = { PATH: `${newerNode}:${process.env.PATH}`, ...known };
    const { isGood, out, err } = await outputOf(program.command(commands, one), home, env);
    told.push(isGood ? { model, way, task, text: out } : { model, way, task, trouble: `${out}\n${err}` });
  }
  return told;
}

/** Uses a site in a browser for each case. */
async function askSite(site: Site, commands: string, gate: Stage, cases: readonly Case[]): Promise<Told[]> {
  const home = makeHome(gate, fold(site.name));
  const env = { ...plainEnv(home), ...(site.page && (await readRecipe(site.page, gate)).env) };
  await using opened = await openSite(site, commands, gate, home, {
    ...env,
    PATH: `${commands}:${env.PATH}`,
    ...site.env?.(gate, cases[0] as Case),
  });
  const told: Told[] = [];
  for (const one of cases) {
    const { model, way, task } = one;
    told.push(
      await opened.ask(one).then(
        (text) => ({ model, way, task, text }),
        (error: unknown) => ({ model, way, task, trouble: String(error) }),
      ),
    );
  }
  if (told.some(({ trouble }) => trouble !== undefined))
    console.error(`-- ${site.name}:\n${opened.log().slice(-3000)}`);
  return told;
}

/** Starts an agent for each case. */
async function askAgent(
  { name, program }: Agent,
  commands: string,
  gate: Stage,
  cases: readonly Case[],
): Promise<Told[]> {
  const told: Told[] = [];
  for (const { model, way, task, prompt } of cases) {
    const { home, env } = await setUp(program, gate, commands, fold(`${name} ${model}`), model);
    writeFileSync(join(home, "work/notes.txt"), "The thread leads in.\n");
    const { out } = await runIn(home, commands, PROGRAMS[program].command(model, prompt), env).catch(
      (error: unknown) => ({ out: String(error) }),
    );
    told.push({ model, way, task, text: out });
  }
  return told;
}

async function ask(tried: Tried, gate: Stage, cases: readonly Case[]): Promise<Told[]> {
  if ("program" in tried) return await askAgent(tried, await installPrograms(tried.program), gate, cases);
  const commands = await install(tried);
  if ("serve" in tried) return await askSite(tried, commands, gate, cases);
  if ("command" in tried) return await askProgram(tried, commands, gate, cases);
  // The pages name models of the providers.
  if (!values.servers && (await runPage(tried, commands, gate)))
    console.log(`${tried.name} | the code on its page | ok`);
  return await askLibrary(tried, commands, gate, cases);
}

async function tryClient(tried: Tried, gate: Stage): Promise<void> {
  const cases = tried.ways.flatMap((way) =>
    tried.tasks.flatMap((task) =>
      Object.values(MODELS).map((model): Case => {
        const prompt = task === "tools" ? (tried.orders ?? WEATHER) : QUESTION;
        return { model, way, task, prompt };
      }),
    ),
  );
  const told = await ask(tried, gate, cases);
  for (const way of tried.ways) {
    const results = tried.tasks.map((task) => {
      const letters = Object.entries(MODELS).filter(([, model]) => {
        const answer = told.find((one) => one.way === way && one.task === task && one.model === model);
        const isGood = answer?.text?.includes(PROOF[task]) === true;
        if (!isGood)
          console.error(
            `-- ${tried.name}, ${way}, ${model}, ${task}:\n${(answer?.trouble ?? answer?.text ?? "nothing").slice(-1500)}`,
          );
        return isGood;
      });
      return `${task} ${letters.map(([letter]) => letter).join("") || "none"}`;
    });
    console.log(`${tried.name} | ${way} | ${results.join(" | ")}`);
  }
}

await using gate = await (values.servers ? openServers() : openStage());
for (const tried of CLIENTS.filter(({ name }) => names.length === 0 || names.includes(name))) {
  await tryClient(tried, gate).catch((error: unknown) => console.error(`-- ${tried.name}: ${error}`));
}
