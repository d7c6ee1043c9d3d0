/** Simulated providers in this process, for a trial without an account: `[simulator] port`. */
import { ConfigError } from "../config/problem.ts";
import type { Clock } from "../core/clock.ts";
import { codeOf } from "../core/files/regular-file.ts";
import type { Ids } from "../core/ids.ts";
import type { Log } from "../core/log.ts";
import type { Simulator } from "../simulator/server/simulator.ts";

/** Of this machine alone: whoever reaches the simulator needs no key. */
const HOST = "127.0.0.1";
/** That of `clewline simulate`. */
const USUAL_PORT = 8585;

export class SimulatorHost {
  readonly #options: { readonly clock: Clock; readonly ids: Ids };
  #running: Simulator | null = null;

  constructor(options: { readonly clock: Clock; readonly ids: Ids }) {
    this.#options = options;
  }

  /** As `replace`, at the start: without its simulator a gateway still serves. */
  async start(port: number | null, log: Log): Promise<void> {
    try {
      await this.replace(port);
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      log.error({ port }, `the simulator is not there: ${error.message}`);
    }
  }

  /** null: no simulator. Throws `ConfigError` when the port cannot be had; what ran before then goes on. */
  async replace(port: number | null): Promise<void> {
    const before = this.#running;
    if (before?.port === port) return;
    this.#running = port === null ? null : await this.#start(port);
    await before?.close();
  }

  async close(): Promise<void> {
    await this.#running?.close();
    this.#running = null;
  }

  async #start(port: number): Promise<Simulator> {
    // Nearly every gateway runs without it.
    const { startSimulator } = await import("../simulator/server/simulator.ts");
    try {
      return await startSimulator({ ...this.#options, host: HOST, port });
    } catch (error) {
      throw new ConfigError([
        {
          file: null,
          line: null,
          column: null,
          key: "simulator.port",
          value: String(port),
          message: `the port cannot be had on ${HOST} (${codeOf(error)})`,
          repair: "name a free port, or remove [simulator]",
        },
      ]);
    }
  }
}

/** A port that nobody has now: the simulator's usual one, or any other. */
export async function freeSimulatorPort(): Promise<number> {
  return (await portIfFree(USUAL_PORT)) ?? (await portIfFree(0)) ?? USUAL_PORT;
}

async function portIfFree(port: number): Promise<number | null> {
  const { createServer } = await import("node:net");
  return await new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(null));
    server.listen(port, HOST, () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" ? (address?.port ?? null) : null));
    });
  });
}
