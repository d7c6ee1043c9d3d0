/**
 * A gateway as a user runs it, in a process of its own, in front of a simulated provider for each family. Tests of genuine clients
 * talk to it over its socket and read its ledger by its own command.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../src/core/clock.ts";
import { makeIds } from "../../src/core/ids.ts";
import { type Simulator, startSimulator } from "../../src/simulator/simulator.ts";

const MAIN = join(import.meta.dir, "../../src/main.ts");
const START_LIMIT_MS = 20_000;
const STOP_LIMIT_MS = 20_000;

/** A row as `clewline requests --json` prints it; the part that these tests read. */
export interface LedgerLine {
  readonly request_id: string;
  readonly key: string;
  readonly dialect: string;
  readonly endpoint: string;
  readonly model_asked: string | null;
  readonly status: number;
  readonly outcome: string;
  readonly is_stream: boolean;
  readonly input_tokens: number | null;
  readonly output_tokens: number | null;
  readonly usage_state: string;
  readonly user_agent: string | null;
}

export interface Stage {
  /** Without a slash at the end. */
  readonly url: string;
  /** The key that clients show. */
  readonly key: string;
  readonly folder: string;
  /** Every row of the ledger, oldest first. */
  rows(): Promise<readonly LedgerLine[]>;
  /** The row of a request that a client was given the id of. */
  row(requestId: string | null | undefined): Promise<LedgerLine>;
  /** Ends the gateway as an operator would; throws when it does not end well. */
  close(): Promise<void>;
}

/** Only what a program needs to start: settings of the person at this machine must not change what is tested. */
export function plainEnv(folder: string): Record<string, string> {
  return { PATH: process.env.PATH ?? "/usr/bin:/bin", HOME: folder, TMPDIR: folder, LANG: "C.UTF-8" };
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("no port was given");
  return address.port;
}

function configFor(simulator: Simulator, port: number, folder: string, key: string): string {
  const upstream = (name: string, baseUrl: string): string => `
[[upstreams]]
name = "${name}"
family = "${name}"
base_url = "${baseUrl}"
[[upstreams.credentials]]
name = "main"
api_key = "sk-${name}-credential"
`;
  return `[server]
host = "127.0.0.1"
port = ${port}
data_dir = "${folder}/data"

[[keys]]
name = "tester"
key = "${key}"
${upstream("anthropic", simulator.url)}${upstream("gemini", simulator.url)}${upstream("openai", `${simulator.url}/v1`)}
[[models]]
name = "house-model"
targets = ["openai/gpt-4.1"]
`;
}

/** Starts both, and resolves when the gateway says that it is ready. */
export async function openStage(): Promise<Stage> {
  const folder = mkdtempSync(join(tmpdir(), "clewline-clients-"));
  const key = "clw-test-key-0123456789abcdef";
  const simulator = await startSimulator({ clock: systemClock, ids: makeIds() });
  const port = await freePort();
  const configFile = join(folder, "clewline.toml");
  writeFileSync(configFile, configFor(simulator, port, folder, key), { mode: 0o600 });

  const gateway = Bun.spawn([process.execPath, MAIN, "serve", "--config", configFile], {
    cwd: folder,
    env: plainEnv(folder),
    stdin: "ignore",
    stdout: Bun.file(join(folder, "out.log")),
    stderr: Bun.file(join(folder, "err.log")),
  });
  const logs = async (): Promise<string> =>
    `${await Bun.file(join(folder, "out.log")).text()}${await Bun.file(join(folder, "err.log")).text()}`;
  const url = `http://127.0.0.1:${port}`;

  const isReady = async (): Promise<boolean> => {
    try {
      return (await fetch(`${url}/readyz`)).status === 200;
    } catch {
      return false;
    }
  };
  const lastMs = performance.now() + START_LIMIT_MS;
  while (!(await isReady())) {
    if (gateway.exitCode !== null || performance.now() > lastMs) {
      gateway.kill("SIGKILL");
      await simulator.close();
      const text = await logs();
      rmSync(folder, { recursive: true, force: true });
      throw new Error(`the gateway did not start (exit code ${gateway.exitCode}):\n${text}`);
    }
    await Bun.sleep(25);
  }

  const rows = async (): Promise<readonly LedgerLine[]> => {
    const command = Bun.spawn([process.execPath, MAIN, "requests", "--json", "--config", configFile], {
      cwd: folder,
      env: plainEnv(folder),
      stdin: "ignore",
      stderr: "pipe",
    });
    const [text, trouble] = await Promise.all([command.stdout.text(), command.stderr.text()]);
    if ((await command.exited) !== 0) throw new Error(`clewline requests failed: ${trouble}`);
    return text
      .split("\n")
      .filter((line) => line !== "")
      .map((line): LedgerLine => JSON.parse(line))
      .sort((a, b) => a.request_id.localeCompare(b.request_id));
  };

  return {
    url,
    key,
    folder,
    rows,
    async row(requestId) {
      const found = (await rows()).find((row) => row.request_id === requestId);
      if (found === undefined) throw new Error(`request ${requestId} is not in the ledger`);
      return found;
    },
    async close() {
      gateway.kill("SIGTERM");
      const onLimit = setTimeout(() => gateway.kill("SIGKILL"), STOP_LIMIT_MS);
      const exitCode = await gateway.exited;
      clearTimeout(onLimit);
      await simulator.close();
      const text = await logs();
      rmSync(folder, { recursive: true, force: true });
      if (exitCode !== 0)
        throw new Error(`the gateway ended with ${exitCode} (${gateway.signalCode}):\n${text}`);
      if (text.includes(key) || text.includes("-credential"))
        throw new Error(`a secret is in the log:\n${text}`);
    },
  };
}
