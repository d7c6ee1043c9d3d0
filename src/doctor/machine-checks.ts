/** What the gateway needs of the machine: its files, its disk, its ports. */
import { accessSync, constants, existsSync, statfsSync } from "node:fs";
import { createServer } from "node:net";
import { dirname } from "node:path";
import { findSharedPaths, problemOfShared } from "../config/access/shared-paths.ts";
import { parseListen } from "../config/admin/listen-address.ts";
import type { Config } from "../config/config.ts";
import { DIRECT } from "../config/network/via.ts";
import { GatewayError } from "../core/errors.ts";
import { storeFile } from "../ledger/store-file.ts";
import type { Transport } from "../transport/call.ts";
import { callSmall } from "../transport/small-call.ts";
import { type Finding, good, problem, warning } from "./finding.ts";

const GIB = 1_073_741_824;
const DISK_PROBLEM_BYTES = 104_857_600;
const PAGE_TIMEOUT_MS = 3_000;
const MAX_PAGE_BYTES = 4_194_304;

/** Files and folders that others can reach; a start refuses those that are problems. */
export function sharingFindings(config: Config): readonly Finding[] {
  const { server, ...files } = config;
  // Without a working folder to shorten them, the names of files are whole.
  const shared = findSharedPaths({ ...files, dataDir: server.dataDir, cwd: "/" });
  if (shared.length === 0) return [good("file_mode", "", "others can reach neither secrets nor data")];
  return shared.map((one) => {
    const { message, repair } = problemOfShared(one);
    return (one.isRefused ? problem : warning)("file_mode", one.path, message, repair);
  });
}

/** The folder of the ledger: whether it can be written, and what is free on its disk. */
export function folderFindings(dataDir: string): readonly Finding[] {
  if (!existsSync(dataDir)) {
    const parent = nearestFolder(dataDir);
    if (canWrite(parent))
      return [good("data_folder", dataDir, "the folder is not there yet; the start makes it")];
    return [
      problem(
        "data_folder",
        dataDir,
        `the folder is not there, and ${parent} cannot be written`,
        "make the folder and give it to the user of the gateway, or name another one in server.data_dir",
      ),
    ];
  }
  const owner = "give the folder to the user of the gateway, and run this command as that user";
  if (!canWrite(dataDir)) return [problem("data_folder", dataDir, "the folder cannot be written", owner)];
  const file = storeFile(dataDir);
  if (existsSync(file) && !canWrite(file)) {
    return [problem("data_folder", file, "the ledger cannot be written", owner)];
  }
  return [good("data_folder", dataDir, "the folder can be written"), ...diskFindings(dataDir)];
}

function nearestFolder(path: string): string {
  const parent = dirname(path);
  return existsSync(parent) || parent === path ? parent : nearestFolder(parent);
}

function canWrite(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

function diskFindings(dataDir: string): readonly Finding[] {
  const { bavail, bsize } = statfsSync(dataDir);
  const freeBytes = bavail * bsize;
  const free = `${(freeBytes / GIB).toFixed(1)} GiB are free`;
  if (freeBytes >= GIB) return [good("disk", dataDir, free)];
  const level = freeBytes < DISK_PROBLEM_BYTES ? problem : warning;
  const repair = "free the disk: while it is full, no request can be recorded, and requests are refused";
  return [level("disk", dataDir, free, repair)];
}

/** Whether the ports of the configuration are free, or the gateway's already. */
export async function portFindings(
  { server, metrics, admin }: Pick<Config, "server" | "metrics" | "admin">,
  transport: Transport,
): Promise<readonly Finding[]> {
  const scheme = server.tls === null ? "http" : "https";
  const places = [
    { host: server.host, port: server.port, key: "server.port", scheme, path: "/" },
    ...(metrics.enabled && metrics.port !== null
      ? [{ host: server.host, port: metrics.port, key: "metrics.port", scheme: "http", path: "/metrics" }]
      : []),
  ];
  const listen = parseListen(admin?.listen ?? "");
  if (listen !== null) places.push({ ...listen, key: "admin.listen", scheme, path: "/" });
  const findings: Finding[] = [];
  for (const { host, port, key, scheme: by, path } of places) {
    if (port === 0) continue;
    const place = `${host}:${port}`;
    const fault = await faultOfListening(host, port);
    if (fault === null) findings.push(good("port", place, "the port is free"));
    else if (
      fault === "EADDRINUSE" &&
      (await isGateway(`${by}://${localHost(host)}:${port}${path}`, transport))
    )
      findings.push(good("port", place, "a gateway has the port"));
    else findings.push(problem("port", place, ...wordsOf(fault, key)));
  }
  return findings;
}

function wordsOf(fault: string, key: string): [message: string, repair: string] {
  if (fault === "EADDRINUSE") {
    return ["another program has the port", `end that program, or write another port as ${key}`];
  }
  if (fault === "EACCES") {
    return [
      "this user may not use the port",
      `write a port above 1023 as ${key}, or give the program the capability CAP_NET_BIND_SERVICE`,
    ];
  }
  return [`the address cannot be listened on (${fault})`, `write an address of this machine for ${key}`];
}

/** The code of the failure; null: it can be listened on. */
function faultOfListening(host: string, port: number): Promise<string | null> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(null)));
  });
}

/** Where a gateway that listens on `host` is called from this machine. */
export function localHost(host: string): string {
  if (host === "0.0.0.0") return "127.0.0.1";
  return host.includes(":") ? `[${host === "::" ? "::1" : host}]` : host;
}

/** Whether a gateway answers there: each of its pages names the program. */
export async function isGateway(url: string, transport: Transport): Promise<boolean> {
  const request = { url, method: "GET", headers: [], body: null, via: DIRECT } as const;
  try {
    const limits = { timeoutMs: PAGE_TIMEOUT_MS, limitBytes: MAX_PAGE_BYTES };
    const { status, text } = await callSmall(transport, { ...request, ...limits });
    return status === 200 && text.includes("clewline");
  } catch (cause) {
    // The certificate is that of a name, and the call goes to an address.
    return cause instanceof GatewayError && cause.message.includes("TLS certificate");
  }
}
