import { expect, test } from "bun:test";
import { ConfigError } from "../config/problem.ts";
import { systemClock } from "../core/clock.ts";
import { makeIds } from "../core/ids.ts";
import type { Command } from "./cli.ts";
import { makeCommand, parsePort, UsageError } from "./command.ts";

async function run(command: Command, ...args: string[]) {
  const written = { out: "", err: "" };
  const code = await command(args, {
    out: (text) => {
      written.out += text;
    },
    err: (text) => {
      written.err += text;
    },
    env: {},
    cwd: "/",
    clock: systemClock,
    ids: makeIds(),
    stopped: new Promise(() => {}),
    onReload() {},
    memory: { residentBytes: () => 0, cpuMs: () => 0, collect: () => undefined, collectAll: () => undefined },
    program: "clewline",
    isTty: false,
  });
  return { code, ...written };
}

const spec = {
  name: "paint",
  usage: ["FILE [--colour NAME] [--twice]", "wash"],
  about: "Paints a file.",
  positionals: { FILE: "the file" },
  flags: { colour: { value: "NAME", help: "red\nor blue" }, twice: { help: "two coats" } },
  notes: "Wash it by hand.",
} as const;

const paint = makeCommand(spec, async (args, io) => {
  io.out(JSON.stringify(args));
  return 7;
});

test("a command gets its flags and positionals, and its exit code counts", async () => {
  expect(await run(paint, "a.txt", "--colour", "red", "--twice")).toEqual({
    code: 7,
    out: '{"flags":{"colour":"red","twice":true},"positionals":["a.txt"]}',
    err: "",
  });
  expect((await run(paint)).out).toBe('{"flags":{"twice":false},"positionals":[]}');
});

test.each(["--help", "-h"])("%s prints the help, aligned", async (flag) => {
  const help = `Usage: clewline paint FILE [--colour NAME] [--twice]
       clewline paint wash

Paints a file.

  FILE           the file
  --colour NAME  red
                 or blue
  --twice        two coats
  --help         this text

Wash it by hand.
`;
  expect(await run(paint, flag)).toEqual({ code: 0, out: help, err: "" });
});

test.each([
  [["--loud"], "--loud"],
  [["--colour"], "--colour"],
  [["--twice=yes"], "--twice"],
])("wrong usage %p exits with 2 and shows the usage", async (args, named) => {
  const { code, out, err } = await run(paint, ...args);
  expect([code, out]).toEqual([2, ""]);
  expect(err).toStartWith("clewline paint: ");
  expect(err).toContain(named);
  expect(err).toEndWith(
    "Usage: clewline paint FILE [--colour NAME] [--twice]\n       clewline paint wash\nSee clewline paint --help.\n",
  );
});

test("a command without positionals refuses one", async () => {
  const { positionals: _, ...others } = spec;
  expect(
    (
      await run(
        makeCommand(others, async () => 0),
        "extra",
      )
    ).code,
  ).toBe(2);
});

test("what a command throws becomes its exit code, or is thrown on", async () => {
  const throwing = (error: Error) =>
    run(
      makeCommand(spec, () => {
        throw error;
      }),
    );
  expect(await throwing(new UsageError("no such colour"))).toMatchObject({ code: 2 });
  const problem = { file: "a.toml", line: 1, column: 2, key: "x", value: null, message: "bad.", repair: "" };
  expect(await throwing(new ConfigError([problem]))).toEqual({
    code: 78,
    out: "",
    err: "a.toml:1:2 x: bad.\n",
  });
  expect(throwing(new TypeError("a bug"))).rejects.toThrow("a bug");
});

test("a port is a number from 0 to 65535", () => {
  expect([parsePort("0"), parsePort("65535")]).toEqual([0, 65_535]);
  for (const text of ["", "-1", "65536", "1e3", "0x10", "high"])
    expect(() => parsePort(text)).toThrow(`--port ${text} is not a port`);
});
