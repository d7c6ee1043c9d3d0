/**
 * A command as data: flags and help. Parsing, `--help` and the report of wrong usage are the same for every
 * command.
 */
import { parseArgs } from "node:util";
import { SharedPathsError } from "../config/access/shared-paths.ts";
import { ConfigError, renderProblems } from "../config/problem.ts";
import { suggest } from "../core/nearest.ts";
import { type CliIo, type Command, EXIT } from "./cli.ts";

/**
 * A flag with a value (`--port PORT`) when `value` names one, else a switch. Lines of `help` are separated by
 * newlines.
 */
export interface Flag {
  readonly value?: string;
  readonly help: string;
}

export interface CommandSpec<Flags extends Readonly<Record<string, Flag>>> {
  readonly name: string;
  /** The arguments of each form of the command, as in `reset UPSTREAM/NAME...`. */
  readonly usage: readonly string[];
  readonly about: string;
  /** Arguments without a flag, with their help; without this member the command takes none. */
  readonly positionals?: Readonly<Record<string, string>>;
  readonly flags: Flags;
  /** Text at the end of the help. */
  readonly notes?: string;
  /** In place of `notes`, for `--help --all`; absent: the command has no such flag. */
  readonly allNotes?: () => string;
}

/** Of the flag `--allow-shared-files`. */
export const SHARED_FILES_HELP = "also with files or a data folder that everybody on this machine can change";

/** The arguments of a call. A switch is false, and a value undefined, when its flag is absent. */
export interface Arguments<Flags> {
  readonly flags: {
    readonly [Name in keyof Flags]: Flags[Name] extends { readonly value: string }
      ? string | undefined
      : boolean;
  };
  readonly positionals: readonly string[];
}

/** A value or an argument that the command cannot use; the text says which one would do. */
export class UsageError extends Error {}

/**
 * A command that parses its arguments, answers `--help`, and reports wrong usage and a wrong configuration.
 */
export function makeCommand<const Flags extends Readonly<Record<string, Flag>>>(
  spec: CommandSpec<Flags>,
  run: (args: Arguments<Flags>, io: CliIo) => Promise<number>,
): Command {
  return async (args, io) => {
    try {
      const { help, all, ...parsed } = parse(spec, args);
      if (all && !help) throw new UsageError("--all is for --help");
      if (!help) return await run(parsed, io);
      io.out(helpOf(spec, all));
      return EXIT.ok;
    } catch (error) {
      if (isUsageError(error)) {
        io.err(
          `clewline ${spec.name}: ${error.message}\n\n${usageOf(spec)}See clewline ${spec.name} --help.\n`,
        );
        return EXIT.usage;
      }
      if (!(error instanceof ConfigError)) throw error;
      io.err(renderProblems(error.problems));
      return exitCodeOf(error);
    }
  };
}

/** For a configuration that cannot be used; its text may be good, and its file one that others can change. */
export function exitCodeOf(error: ConfigError): number {
  return error instanceof SharedPathsError ? EXIT.failed : EXIT.config;
}

/** A port number from a flag. */
export function parsePort(text: string): number {
  if (!/^\d{1,5}$/.test(text) || Number(text) > 65_535)
    throw new UsageError(`--port ${text} is not a port; give a number from 0 to 65535`);
  return Number(text);
}

function parse<Flags extends Readonly<Record<string, Flag>>>(
  spec: CommandSpec<Flags>,
  args: readonly string[],
): Arguments<Flags> & { readonly help: boolean; readonly all: boolean } {
  const options = Object.entries(spec.flags).map(
    ([name, { value }]) => [name, { type: value === undefined ? "boolean" : "string" }] as const,
  );
  const ofHelp = spec.allNotes === undefined ? ["help"] : ["help", "all"];
  refuseUnknownFlags(args, [...options.map(([name]) => name), ...ofHelp]);
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: spec.positionals !== undefined,
    options: {
      ...Object.fromEntries(options),
      help: { type: "boolean", short: "h" },
      ...(spec.allNotes === undefined ? {} : { all: { type: "boolean" } as const }),
    },
  });
  const given: Readonly<Record<string, unknown>> = values;
  const flags = options.map(([name, { type }]) => [
    name,
    given[name] ?? (type === "boolean" ? false : undefined),
  ]);
  return {
    flags: Object.fromEntries(flags) as Arguments<Flags>["flags"],
    positionals,
    help: given.help === true,
    all: spec.allNotes !== undefined && given.all === true,
  };
}

/** The parser's own words say nothing of the flag that was meant. */
function refuseUnknownFlags(args: readonly string[], known: readonly string[]): void {
  for (const arg of args) {
    if (arg === "--") return;
    const name = /^--([^=]+)/.exec(arg)?.[1];
    if (name === undefined || known.includes(name)) continue;
    const all = known.map((flag) => `--${flag}`);
    throw new UsageError(
      `there is no flag --${name}; ${suggest(`--${name}`, all, `flags: ${all.join(", ")}`)}`,
    );
  }
}

function isUsageError(error: unknown): error is Error {
  if (error instanceof UsageError) return true;
  return error instanceof TypeError && "code" in error && String(error.code).startsWith("ERR_PARSE_ARGS");
}

function usageOf({ name, usage }: CommandSpec<Readonly<Record<string, Flag>>>): string {
  return usage.map((form, i) => `${i === 0 ? "Usage:" : "      "} clewline ${name} ${form}\n`).join("");
}

function helpOf(spec: CommandSpec<Readonly<Record<string, Flag>>>, isAll: boolean): string {
  const rows: (readonly [name: string, help: string])[] = [
    ...Object.entries(spec.positionals ?? {}),
    ...Object.entries(spec.flags).map(
      ([name, { value, help }]) => [`--${name}${value === undefined ? "" : ` ${value}`}`, help] as const,
    ),
    ["--help", "this text"],
    ...(spec.allNotes === undefined ? [] : [["--help --all", "all of it"] as const]),
  ];
  const width = Math.max(...rows.map(([name]) => name.length));
  const lines = rows.map(
    ([name, help]) => `  ${name.padEnd(width)}  ${help.replaceAll("\n", `\n${" ".repeat(width + 4)}`)}\n`,
  );
  const text = isAll ? spec.allNotes?.() : spec.notes;
  const notes = text === undefined ? "" : `\n${text}\n`;
  return `${usageOf(spec)}\n${spec.about}\n\n${lines.join("")}${notes}`;
}
