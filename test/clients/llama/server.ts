/** llama.cpp's own server as a process. */
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { freePort } from "../../kit/free-port.ts";
import { makeFolder, plainEnv, until } from "../../kit/gateway.ts";

export interface LlamaServer {
  /** Without a slash at the end. */
  readonly url: string;
  close(): Promise<void>;
}

/** Starts the server on a model that it calls `name`; resolves when the model is loaded. */
export async function startLlamaServer(binary: string, model: string, name: string): Promise<LlamaServer> {
  const folder = makeFolder();
  const log = join(folder, "server.log");
  const port = await freePort();
  const child = Bun.spawn(
    [
      ...[binary, "--model", model, "--alias", name, "--host", "127.0.0.1", "--port", String(port)],
      // One slot: the same request is computed in the same way each time. Threads wait for one another in a busy loop,
      // which a loaded machine pays for.
      ...["--parallel", "1", "--threads", "1", "--ctx-size", "4096"],
      ...["--jinja", "--chat-template-file", join(import.meta.dir, "chat.jinja")],
    ],
    {
      cwd: folder,
      env: plainEnv(folder),
      stdin: "ignore",
      stdout: Bun.file(`${log}.out`),
      stderr: Bun.file(log),
    },
  );
  const close = async (): Promise<void> => {
    child.kill("SIGTERM");
    await child.exited;
    rmSync(folder, { recursive: true, force: true });
  };
  const url = `http://127.0.0.1:${port}`;
  const answers = async (): Promise<boolean> => {
    if (child.exitCode !== null)
      throw new Error(`llama.cpp's server has ended:\n${readFileSync(log, "utf8")}`);
    return await fetch(`${url}/health`).then(
      ({ ok }) => ok,
      () => false,
    );
  };
  try {
    await until("llama.cpp's server has loaded its model", answers);
  } catch (cause) {
    await close();
    throw cause;
  }
  return { url, close };
}
