/** A program as a person starts it: on a terminal, with nothing but an empty folder. */
import { join } from "node:path";
import { plainEnv } from "../kit/gateway.ts";

const MAIN = join(import.meta.dir, "../../src/main.ts");

export interface OnTerminal {
  /** Waits until the terminal shows this. */
  shows(pattern: RegExp): Promise<RegExpExecArray>;
  end(): Promise<void>;
}

export function startOnTerminal(folder: string, args: readonly string[]): OnTerminal {
  let seen = "";
  const watchers = new Set<() => void>();
  const decoder = new TextDecoder();
  const child = Bun.spawn([process.execPath, MAIN, ...args], {
    cwd: folder,
    env: { ...plainEnv(folder), TERM: "xterm" },
    terminal: {
      cols: 200,
      rows: 50,
      data(_, bytes) {
        seen += decoder.decode(bytes, { stream: true });
        for (const watch of watchers) watch();
      },
    },
  });
  return {
    shows: (pattern) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          const found = pattern.exec(seen);
          if (found === null) return;
          watchers.delete(look);
          resolve(found);
        };
        watchers.add(look);
        void child.exited.then((code) => reject(new Error(`ended with ${code}: ${seen}`)));
        look();
      }),
    async end() {
      child.kill("SIGTERM");
      await child.exited;
    },
  };
}
