/** The process as a command sees it: `main.ts` makes the real one, tests make their own. */
import type { Clock } from "../core/clock.ts";
import type { Ids } from "../core/ids.ts";
import type { ProcessMemory } from "../core/memory.ts";

export interface CliIo {
  /** Writes to standard output; adds no newline. */
  out(text: string): void;
  /** Writes to standard error; adds no newline. */
  err(text: string): void;
  /** Replaces the last line that it has written; only there where standard error is a terminal. */
  readonly progress?: (line: string) => void;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly clock: Clock;
  readonly ids: Ids;
  /** Resolves on SIGINT or SIGTERM. */
  readonly stopped: Promise<void>;
  /** Resolves on the second of such signals; the third one ends the process. Only a long work needs it. */
  readonly hurried?: Promise<void>;
  /** Runs `reload` on SIGHUP. */
  onReload(reload: () => void): void;
  readonly memory: ProcessMemory;
  /** The start of a shell's command line that runs this program. */
  readonly program: string;
  /** The program and its first arguments, to start it once more; a command that does so needs them. */
  readonly ownCommand?: readonly string[];
  /** The processes of this machine; absent: nothing is known of them. */
  readonly processes?: { readonly own: number; isAlive(pid: number): boolean };
  /** Standard output is a terminal. */
  readonly isTty: boolean;
}

/** A command: takes its own arguments and returns an exit code. */
export type Command = (args: readonly string[], io: CliIo) => Promise<number>;

/** `interrupted`: a second signal did not let the work end. */
export const EXIT = { ok: 0, failed: 1, usage: 2, config: 78, interrupted: 130 } as const;
