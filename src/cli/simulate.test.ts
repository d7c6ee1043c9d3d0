// The command that serves the simulated providers.

import { expect, test } from "bun:test";
import { systemClock } from "../core/clock.ts";
import { makeIds } from "../core/ids.ts";
import type { CliIo } from "./cli.ts";
import { simulate } from "./simulate.ts";

/** A terminal that keeps what was written, and a switch for the end. */
function terminal() {
  const written = { out: "", err: "" };
  const ended = Promise.withResolvers<void>();
  const greeted = Promise.withResolvers<void>();
  const io: CliIo = {
    out(text) {
      written.out += text;
      greeted.resolve();
    },
    err(text) {
      written.err += text;
    },
    env: {},
    cwd: "/",
    clock: systemClock,
    ids: makeIds(),
    stopped: ended.promise,
    onReload() {},
    memory: { residentBytes: () => 0, cpuMs: () => 0, collect: () => undefined, collectAll: () => undefined },
    program: "clewline",
    isTty: false,
  };
  return { io, written, stop: ended.resolve, greeted: greeted.promise };
}

test("serves until it is stopped, and says how to use it", async () => {
  const { io, written, stop, greeted } = terminal();
  const code = simulate(["--port", "0"], io);
  await greeted;
  const url = /http:\S+:\d+/.exec(written.out)?.[0] ?? "";
  expect(written.out).toContain(
    `family = "openai"     base_url = "${url}/v1"  dialects = ["openai-responses", "openai-chat"]`,
  );
  expect((await fetch(`${url}/v1/models`, { headers: { authorization: "Bearer k" } })).status).toBe(200);
  stop();
  expect(await code).toBe(0);
  expect(fetch(url)).rejects.toThrow();
});

test("helps", async () => {
  const { io, written } = terminal();
  expect(await simulate(["--help"], io)).toBe(0);
  expect(written.out).toStartWith("Usage: clewline simulate");
  expect(written.out).toContain("rate-limit");
});

test("the help fits on a screen, and all of it is a flag away", async () => {
  const short = terminal();
  expect(await simulate(["--help"], short.io)).toBe(0);
  expect(short.written.out.split("\n").length).toBeLessThan(24);
  expect(short.written.out).toContain("--help --all");
  const whole = terminal();
  expect(await simulate(["--help", "--all"], whole.io)).toBe(0);
  for (const word of ["Personas:", "openai/invalid-key", "/_simulator/bill"])
    expect(whole.written.out).toContain(word);
  const alone = terminal();
  expect(await simulate(["--all"], alone.io)).toBe(2);
  expect(alone.written.err).toContain("--all is for --help");
});

test.each([
  [["--port", "high"], /--port high is not a port/],
  [["--port", "70000"], /not a port/],
  [["--loud"], /--loud/],
  [["more"], /more/],
])("refuses %p", async (args, message) => {
  const { io, written } = terminal();
  expect(await simulate(args, io)).toBe(2);
  expect(written.err).toMatch(message);
});

test("says that a port is taken, and what to do", async () => {
  const first = terminal();
  const code = simulate(["--port", "0"], first.io);
  await first.greeted;
  const port = /:(\d+)/.exec(first.written.out)?.[1] ?? "";
  const second = terminal();
  expect(await simulate(["--port", port], second.io)).toBe(1);
  expect(second.written.err).toContain("choose another port with --port");
  first.stop();
  expect(await code).toBe(0);
});
