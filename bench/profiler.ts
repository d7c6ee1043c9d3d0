/**
 * Loaded before Clewline (`--preload`): SIGUSR2 begins a CPU profile, and the next SIGUSR2 writes it into the working
 * folder. The runtime's own `--cpu-prof` keeps each stack from the start to the end, which makes every collection of
 * garbage longer: a request then costs three times as much after a minute.
 */
import { renameSync, writeFileSync } from "node:fs";
import { Session } from "node:inspector";

const INTERVAL_US = 500;
const session = new Session();
session.connect();
session.post("Profiler.enable");
session.post("Profiler.setSamplingInterval", { interval: INTERVAL_US });

let isRunning = false;
process.on("SIGUSR2", () => {
  isRunning = !isRunning;
  if (isRunning) session.post("Profiler.start");
  else
    session.post("Profiler.stop", (error, result) => {
      if (error !== null) throw error;
      writeFileSync("part.cpuprofile", JSON.stringify(result.profile));
      renameSync("part.cpuprofile", "whole.cpuprofile");
    });
});
