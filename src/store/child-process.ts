/**
 * A process beside this one, for work that would block the event loop: it gets one text, and gives bytes back. By the
 * runtime's own call, because the first process of `node:child_process` costs a turn of 20 to 40 ms.
 */
import { constants, setPriority } from "node:os";

export interface ChildOptions {
  /** The program and its arguments. */
  readonly command: readonly string[];
  readonly folder: string;
  /** What the process reads on standard input. */
  readonly input: string;
  /** Gets standard output piece by piece, each in a turn of its own. Must not throw. */
  readonly take: (piece: Uint8Array) => void;
  /** Called once, when the process has ended and all of its output was taken. */
  readonly ended: (end: ChildEnd) => void;
}

export interface ChildEnd {
  /** null: a signal has ended the process. */
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | number | null;
  /** The begin of standard error. */
  readonly errors: string;
}

export interface Child {
  readonly pid: number;
  kill(): void;
}

const MAX_ERROR_CHARS = 1000;

/** Throws an `Error` when the program cannot be started. */
export function startChild({ command, folder, input, take, ended }: ChildOptions): Child {
  // The folder and the environment hold nothing that the runtime would read, and no secret.
  const child = Bun.spawn([...command], {
    cwd: folder,
    env: {},
    stdin: Buffer.from(input),
    stdout: "pipe",
    stderr: "pipe",
  });
  lowerPriority(child.pid);
  const decoder = new TextDecoder();
  let errors = "";
  const all = [
    readAll(child.stdout, take),
    readAll(child.stderr, (piece) => {
      if (errors.length < MAX_ERROR_CHARS) errors += decoder.decode(piece, { stream: true });
    }),
    child.exited,
  ];
  void Promise.all(all).then(() => {
    const { exitCode, signalCode } = child;
    ended({ exitCode, signal: signalCode, errors: errors.slice(0, MAX_ERROR_CHARS).trim() });
  });
  return { pid: child.pid, kill: () => child.kill("SIGKILL") };
}

async function readAll(stream: ReadableStream<Uint8Array>, take: (piece: Uint8Array) => void): Promise<void> {
  for await (const piece of stream) take(piece);
}

/** From its first moment on, also where the process cannot choose a better policy by itself. */
function lowerPriority(pid: number): void {
  try {
    setPriority(pid, constants.priority.PRIORITY_LOW);
  } catch {
    // The process has ended already, or the system does not allow it: then it has the usual priority.
  }
}
