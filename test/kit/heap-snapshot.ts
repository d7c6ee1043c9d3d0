/** Preloaded by a gateway under test: at SIGUSR2, the process writes what its heap holds into its folder. */
import { renameSync, writeFileSync } from "node:fs";

process.on("SIGUSR2", () => {
  // The collection first: a text that nothing refers to any more is not kept.
  Bun.gc(true);
  writeFileSync("heap.part", Bun.generateHeapSnapshot("v8"));
  renameSync("heap.part", "heap.json");
});
