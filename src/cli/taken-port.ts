/** Who has the port that a gateway wants. */
import type { Config } from "../config/config.ts";
import { isGateway, localHost } from "../doctor/machine-checks.ts";
import type { CliIo } from "./cli.ts";
import { withTransport } from "./findings.ts";
import { runningIn } from "./running.ts";

/** That a gateway has the main port, which, and what to do with it; null: it is another program, or another port. */
export async function takenByGateway({ server }: Config, io: CliIo): Promise<string | null> {
  const { host, port, tls } = server;
  const url = `${tls === null ? "http" : "https"}://${localHost(host)}:${port}/`;
  if (!(await withTransport(io, (transport) => isGateway(url, transport)))) return null;
  const running = runningIn(server.dataDir, io);
  if (running === null || !running.url.endsWith(`:${port}${server.basePath}`))
    return `port ${port} of ${host} is taken by another Clewline, which has a data folder of its own; stop that one, or set server.port, or --port, to a free one`;
  const config = running.config === null ? "" : `, with ${running.config}`;
  return `Clewline runs already at ${running.url} (process ${running.pid}${config}); it takes a changed file over by itself. "kill ${running.pid}" stops it`;
}
