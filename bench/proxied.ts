/** The gateway through an http proxy, beside itself without one. */
import { writeFileSync } from "node:fs";
import { createConnection } from "node:net";
import { join } from "node:path";
import type { LoadReport } from "./load.ts";
import { type Effort, measure, medianOf } from "./measure.ts";
import { jsonPlan } from "./plans.ts";
import { spreadOf } from "./ratio.ts";
import type { Figure, WorkResult } from "./result.ts";
import { type Stage, startTarget } from "./targets.ts";
import { freePort, type Running } from "./workspace.ts";

const READY_POLL_MS = 50;
const READY_POLLS = 200;

/** What a request through squid costs the gateway, and how long it takes, over one without a proxy. */
export async function measureProxied(stage: Stage, effort: Effort): Promise<WorkResult> {
  const port = await freePort();
  const squid = await startSquid(stage, port);
  try {
    const plan = jsonPlan(effort);
    const { reports, errors, notes } = await measure(stage, effort, [
      { start: () => startTarget(stage, "clewline"), plan },
      { start: () => startTarget({ ...stage, proxy: `http://127.0.0.1:${port}` }, "proxied"), plan },
    ]);
    const { clewline: direct = [], proxied = [] } = reports;
    const figure = (name: string, value: (report: LoadReport) => number, atMost?: number): Figure => ({
      name,
      unit: "µs",
      clewline: medianOf(proxied, value),
      bare: medianOf(direct, value),
      ratio: spreadOf(proxied.map((report, i) => value(report) / value(direct[i] as LoadReport))),
      ...(atMost === undefined ? {} : { goal: { of: "ratio", atMost } }),
    });
    return {
      work: "proxied",
      figures: [
        figure("CPU per request through squid, beside direct", (one) => one.cpu_us / one.requests, 1.2),
        figure("p50 through squid, beside direct", (one) => one.p50_us),
      ],
      errors,
      notes,
      rounds: reports,
    };
  } finally {
    await squid.stop();
  }
}

async function startSquid(stage: Stage, port: number): Promise<Running> {
  const folder = stage.workspace.newFolder("squid");
  const config = join(folder, "squid.conf");
  writeFileSync(
    config,
    `http_port 127.0.0.1:${port}
pid_filename none
cache_log /dev/null
access_log none
cache deny all
coredump_dir /tmp
pinger_enable off
max_filedescriptors 4096
shutdown_lifetime 0 seconds
http_access allow all
`,
  );
  // Beside upstream and load: only the gateway's own CPU is counted.
  const running = stage.workspace.start(["squid", "-N", "-f", config], { core: stage.loadCore, folder });
  for (let poll = 0; poll < READY_POLLS; poll++) {
    if (running.exitCode() !== null) break;
    if (await takesConnections(port)) return running;
    await Bun.sleep(READY_POLL_MS);
  }
  await running.stop();
  throw new Error(`squid does not start; see ${running.logPath}`);
}

function takesConnections(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection(port, "127.0.0.1");
    socket.on("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.on("error", () => resolve(false));
  });
}
