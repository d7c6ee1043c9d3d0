import { afterEach, expect, test } from "bun:test";
import { createServer } from "node:net";
import { ConfigError } from "../config/problem.ts";
import { systemClock } from "../core/clock.ts";
import { makeIds } from "../core/ids.ts";
import type { Log } from "../core/log.ts";
import { freeSimulatorPort, SimulatorHost } from "./simulator-host.ts";

let host = new SimulatorHost({ clock: systemClock, ids: makeIds() });
afterEach(async () => {
  await host.close();
  host = new SimulatorHost({ clock: systemClock, ids: makeIds() });
});

const isThere = (port: number): Promise<boolean> =>
  fetch(`http://127.0.0.1:${port}/_simulator/`).then(
    ({ ok }) => ok,
    () => false,
  );

/** A port that somebody has, and what gives it back. */
function takenPort(): Promise<{ port: number; free: () => void }> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address() as { port: number };
      resolve({ port, free: () => server.close() });
    });
  });
}

test("the simulator is where the configuration says, as long as it says so", async () => {
  const first = await freeSimulatorPort();
  const { port: second, free } = await takenPort();
  free();
  await host.replace(first);
  expect(await isThere(first)).toBe(true);
  await host.replace(first);
  expect(await isThere(first)).toBe(true);
  await host.replace(second);
  expect([await isThere(first), await isThere(second)]).toEqual([false, true]);
  await host.replace(null);
  expect(await isThere(second)).toBe(false);
});

test("a port that somebody has is named, and the simulator before goes on", async () => {
  const { port: taken, free } = await takenPort();
  const own = await freeSimulatorPort();
  await host.replace(own);
  const refused = await host.replace(taken).catch((cause: unknown) => cause);
  expect(refused).toBeInstanceOf(ConfigError);
  expect((refused as ConfigError).problems).toMatchObject([{ key: "simulator.port", value: String(taken) }]);
  expect(await isThere(own)).toBe(true);
  free();
});

test("a start goes on without it, and says so", async () => {
  const { port, free } = await takenPort();
  const said: string[] = [];
  await host.start(port, { error: (_: object, message: string) => said.push(message) } as unknown as Log);
  expect(said).toEqual([expect.stringContaining("EADDRINUSE")]);
  free();
});

test("two gateways do not choose the same port", async () => {
  const first = await freeSimulatorPort();
  await host.replace(first);
  expect(await freeSimulatorPort()).not.toBe(first);
});
