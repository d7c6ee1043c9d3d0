/** What a running gateway has written down for the other commands. */
import { type RunningFacts, readRunning } from "../store/running-file.ts";
import type { CliIo } from "./cli.ts";

/** null: no gateway runs with this data folder, as far as this process can see. */
export function runningIn(dataDir: string, { processes }: Pick<CliIo, "processes">): RunningFacts | null {
  const running = readRunning(dataDir);
  return running !== null && processes?.isAlive(running.pid) === true ? running : null;
}

export type Refused = RunningFacts["refused"][number];

/** That the gateway serves on with what it had, and why; "": it has taken the file over. */
export function refusedText(running: RunningFacts | null): string {
  if (running === null || running.refused.length === 0) return "";
  const reasons = running.refused.map((one) => `  ${placeOf(one)}${one.message}${repairOf(one)}\n`).join("");
  return `The running gateway (process ${running.pid}) has refused the changed file, and serves on with the configuration before it:\n${reasons}`;
}

function placeOf({ file, line, key }: Refused): string {
  const place = [file, line].filter((part) => part !== null).join(":");
  const parts = [place, key].filter((part) => part !== "");
  return parts.length === 0 ? "" : `${parts.join(" ")}: `;
}

function repairOf({ repair }: Refused): string {
  return repair === "" ? "" : `; ${repair}`;
}
