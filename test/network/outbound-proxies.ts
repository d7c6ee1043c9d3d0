/** Real proxies between a gateway and its upstreams, each with the settings of a plain installation. */
import { chmodSync, chownSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { freePort } from "../kit/free-port.ts";
import { HANG_MS, plainEnv, until } from "../kit/gateway.ts";

export type OutboundProxyName = "squid" | "dante" | "microsocks";

/** User and password that a proxy asks for. */
export const LOGIN = { user: "gate way", password: "p@ss:w%rd" } as const;
/** As a URL has it. */
export const LOGIN_IN_URL = `${encodeURIComponent(LOGIN.user)}:${encodeURIComponent(LOGIN.password)}@`;

export interface OutboundProxy {
  readonly port: number;
  /** What it has noted of its connections. */
  log(): string;
  signal(name: NodeJS.Signals): void;
  /** Ends it, and all processes that it has started, at once. */
  kill(): void;
  close(): Promise<void>;
}

export interface OutboundProxyOptions {
  readonly hasLogin?: boolean;
  /** The address that it listens on; the loopback when absent. */
  readonly host?: string;
  /** Lines of a file of hosts that the proxy alone knows; squid only. */
  readonly hosts?: string;
}

const PATH = `${process.env.PATH ?? ""}:/usr/local/sbin:/usr/sbin`;
const INSTALL = join(import.meta.dir, "../../script/install-outbound-proxies");
/** The user that Debian's squid becomes. */
const SQUID_USER = "proxy";

/** Installs the proxies where they are missing. */
export async function installOutboundProxies(): Promise<void> {
  const child = Bun.spawn([INSTALL], { stdout: "inherit", stderr: "inherit", stdin: "ignore" });
  if ((await child.exited) !== 0) throw new Error("the proxies cannot be installed (reason above)");
}

/** Runs a command to its end; throws with its words when it fails. */
export function runTool(...command: readonly string[]): string {
  const { exitCode, stdout, stderr } = Bun.spawnSync([...command], { env: { ...process.env, PATH } });
  if (exitCode !== 0) throw new Error(`${command.join(" ")} failed: ${stderr}`);
  return stdout.toString();
}

interface Setup extends Required<OutboundProxyOptions> {
  readonly folder: string;
  readonly port: number;
}

/** Writes the configuration, and returns the command and the file with its notes. */
const KINDS: Readonly<Record<OutboundProxyName, (setup: Setup) => { command: string[]; log: string }>> = {
  squid({ folder, host, port, hasLogin, hosts }) {
    const hash = runTool("openssl", "passwd", "-apr1", LOGIN.password).trim();
    writeFileSync(join(folder, "users"), `${LOGIN.user}:${hash}\n`);
    writeFileSync(join(folder, "hosts"), `127.0.0.1 localhost\n${hosts}\n`);
    const login = `auth_param basic program /usr/lib/squid/basic_ncsa_auth ${folder}/users
auth_param basic children 2
acl known proxy_auth REQUIRED
http_access allow known`;
    writeFileSync(
      join(folder, "squid.conf"),
      `http_port ${host}:${port}
pid_filename none
cache_log ${folder}/cache.log
access_log stdio:${folder}/access.log
cache deny all
coredump_dir ${folder}
hosts_file ${folder}/hosts
pinger_enable off
max_filedescriptors 4096
shutdown_lifetime 0 seconds
connect_timeout 5 seconds
${hasLogin ? login : "http_access allow all"}
http_access deny all
`,
    );
    const uid = Number(runTool("id", "-u", SQUID_USER));
    chmodSync(folder, 0o755);
    if (process.getuid?.() === 0) chownSync(folder, uid, -1);
    return { command: ["squid", "-N", "-f", join(folder, "squid.conf")], log: join(folder, "access.log") };
  },
  dante({ folder, host, port }) {
    const log = join(folder, "dante.log");
    writeFileSync(
      join(folder, "danted.conf"),
      `logoutput: ${log}
internal: ${host} port = ${port}
external: 127.0.0.1
socksmethod: none
clientmethod: none
user.privileged: root
user.unprivileged: nobody
client pass { from: 0.0.0.0/0 to: 0.0.0.0/0 log: error }
socks pass { from: 0.0.0.0/0 to: 0.0.0.0/0 log: error connect }
`,
    );
    return { command: ["danted", "-N", "1", "-f", join(folder, "danted.conf")], log };
  },
  microsocks({ folder, host, port, hasLogin }) {
    const login = hasLogin ? ["-u", LOGIN.user, "-P", LOGIN.password] : [];
    return { command: ["microsocks", "-i", host, "-p", String(port), ...login], log: join(folder, "err") };
  },
};

/** Starts a proxy; resolves when it takes connections. */
export async function startOutboundProxy(
  name: OutboundProxyName,
  { hasLogin = false, host = "127.0.0.1", hosts = "" }: OutboundProxyOptions = {},
): Promise<OutboundProxy> {
  // A proxy drops the rights of root, and then cannot enter a folder for temporary files that belongs to root alone.
  const folder = mkdtempSync("/var/tmp/clewline-proxy-");
  const port = await freePort(host);
  const { command, log } = KINDS[name]({ folder, port, hasLogin, host, hosts });
  const child = Bun.spawn(command, {
    cwd: folder,
    env: { ...plainEnv(folder), PATH },
    stdin: "ignore",
    stdout: Bun.file(join(folder, "out")),
    stderr: Bun.file(join(folder, "err")),
  });
  const close = async (): Promise<void> => {
    // A stopped process hears SIGTERM only once it goes on.
    child.kill("SIGCONT");
    child.kill("SIGTERM");
    const onLimit = setTimeout(() => child.kill("SIGKILL"), HANG_MS);
    await child.exited;
    clearTimeout(onLimit);
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    await until(`${name} takes connections`, () => {
      if (child.exitCode !== null)
        throw new Error(`${name} has ended:\n${readFileSync(join(folder, "err"), "utf8")}`);
      return takesConnections(host, port);
    });
  } catch (cause) {
    await close();
    throw cause;
  }
  return {
    port,
    log: () => readFileSync(log, "utf8"),
    signal: (signal) => child.kill(signal),
    kill: () => {
      for (const pid of [...childrenOf(child.pid), child.pid]) process.kill(pid, "SIGKILL");
    },
    close,
  };
}

function childrenOf(pid: number): readonly number[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim();
  return children === ""
    ? []
    : children
        .split(" ")
        .map(Number)
        .flatMap((child) => [...childrenOf(child), child]);
}

function takesConnections(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, host);
    socket.on("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.on("error", () => resolve(false));
  });
}
