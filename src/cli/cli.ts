/** What a command of the command line gets from the process; `main.ts` makes it, tests make their own. */
import type { Clock } from "../core/clock.ts";
import type { Ids } from "../core/ids.ts";

export interface CliIo {
  /** Writes to standard output as it is: the caller adds the newline. */
  out(text: string): void;
  /** Writes to standard error as it is. */
  err(text: string): void;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly clock: Clock;
  readonly ids: Ids;
  /** Resolves when the process is asked to end (SIGINT, SIGTERM). */
  readonly stopped: Promise<void>;
  /** Runs `reload` when the process is asked to read its configuration again (SIGHUP). */
  onReload(reload: () => void): void;
  /** Resident memory of the process in bytes. */
  residentBytes(): number;
  /** Standard output is a terminal: colours and progress are welcome. */
  readonly isTty: boolean;
}

/** A command: takes its own arguments, returns the exit code (0 good, 1 failed, 2 wrong usage, 78 wrong config). */
export type Command = (args: readonly string[], io: CliIo) => Promise<number>;
