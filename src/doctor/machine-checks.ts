/** What the gateway needs of the machine: its files, its disk, its ports. */
import { accessSync, constants, existsSync, readFileSync, type Stats, statfsSync, statSync } from "node:fs";
import { createServer } from "node:net";
import { dirname } from "node:path";
import { parseListen } from "../config/admin/listen-address.ts";
import type { Config } from "../config/config.ts";
import { DIRECT } from "../config/network/via.ts";
import { GatewayError } from "../core/errors.ts";
import { shellWord } from "../core/shell-word.ts";
import { storeFile } from "../ledger/store-file.ts";
import type { Transport } from "../transport/call.ts";
import { callSmall } from "../transport/small-call.ts";
import { type Finding, good, problem, warning } from "./finding.ts";

const MAX_READ_BYTES = 1_048_576;
const GIB = 1_073_741_824;
const DISK_PROBLEM_BYTES = 104_857_600;
const PAGE_TIMEOUT_MS = 3_000;
const MAX_PAGE_BYTES = 4_194_304;
const OTHERS_READ = 0o004;
const OTHERS = 0o007;

/** Files that hold secrets and that everybody on the machine can read. The check of the configuration tells of its own file. */
export function fileFindings({ file, readFiles }: Pick<Config, "file" | "readFiles">): readonly Finding[] {
  const paths = [...new Set(readFiles.map(({ path }) => path))].filter((path) => path !== file);
  const open = paths.filter((path) => isOpen(path) && !isPublic(path));
  if (open.length === 0) return [good("file_mode", "", "no file with a secret can be read by others")];
  return open.map((path) =>
    warning(
      "file_mode",
      path,
      "the file holds a secret, and everybody on this machine can read it",
      `chmod 600 ${shellWord(path)}`,
    ),
  );
}

function isOpen(path: string): boolean {
  const stats = statsOf(path);
  return stats !== null && (stats.mode & OTHERS_READ) !== 0;
}

/** Certificates are no secrets. */
function isPublic(path: string): boolean {
  const stats = statsOf(path);
  if (stats === null || stats.size > MAX_READ_BYTES) return false;
  const text = readFileSync(path, "latin1");
  return text.includes("-----BEGIN CERTIFICATE-----") && !text.includes("PRIVATE KEY-----");
}

function statsOf(path: string): Stats | null {
  return statSync(path, { throwIfNoEntry: false }) ?? null;
}

/** The folder of the ledger: whether it can be written, and by whom it can be read. */
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
  if (((statsOf(dataDir)?.mode ?? 0) & OTHERS) !== 0) {
    const repair = `chmod 700 ${shellWord(dataDir)}`;
    return [
      warning("file_mode", dataDir, "others on this machine can look into the folder", repair),
      ...diskFindings(dataDir),
    ];
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

function localHost(host: string): string {
  if (host === "0.0.0.0") return "127.0.0.1";
  return host.includes(":") ? `[${host === "::" ? "::1" : host}]` : host;
}

/** Each page names the program. */
async function isGateway(url: string, transport: Transport): Promise<boolean> {
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
