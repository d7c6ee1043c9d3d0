/**
 * Real proxies in front of a gateway, on the loopback, with the settings that they have without a word of
 * ours.
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { freePort } from "./free-port.ts";
import { HANG_MS, makeFolder, plainEnv, until } from "./gateway.ts";

export type ProxyName = "nginx" | "caddy" | "haproxy";

export const PROXIES: readonly ProxyName[] = ["nginx", "caddy", "haproxy"];

export interface RunningProxy {
  readonly name: ProxyName;
  readonly port: number;
  /** What the proxy's own health checks of the gateway say; null: it makes none. */
  health(): Promise<string | null>;
  close(): Promise<void>;
}

/** `readTimeoutS`: how long the proxy waits for a silent gateway; null: as long as it does by itself. */
export interface ProxyOptions {
  readonly gatewayPort: number;
  readonly readTimeoutS: number | null;
}

/** Debian's commands of servers are not on every user's path. */
const PATH = `${process.env.PATH ?? ""}:/usr/local/sbin:/usr/sbin`;
const INSTALL = join(import.meta.dir, "../../script/install-proxies");
const HAPROXY_OF_DEBIAN = "/etc/haproxy/haproxy.cfg";

/** Installs the proxies where they are missing. */
export async function installProxies(): Promise<void> {
  const child = Bun.spawn([INSTALL], { stdout: "inherit", stderr: "inherit", stdin: "ignore" });
  if ((await child.exited) !== 0) throw new Error("the proxies cannot be installed (reason above)");
}

interface Setup {
  readonly folder: string;
  readonly port: number;
  readonly options: ProxyOptions;
}

interface Kind {
  /** Writes the configuration, and returns the command. */
  prepare(setup: Setup): readonly string[];
  health(setup: Setup): Promise<string | null>;
}

function writeConfig({ folder }: Setup, text: string): string {
  const file = join(folder, "proxy.conf");
  writeFileSync(file, text);
  return file;
}

const KINDS: Readonly<Record<ProxyName, Kind>> = {
  nginx: {
    prepare(setup) {
      const { folder, port, options } = setup;
      const { gatewayPort, readTimeoutS } = options;
      const paths = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
      const config = writeConfig(
        setup,
        `${process.getuid?.() === 0 ? "user root;" : ""}
daemon off;
pid ${folder}/pid;
events {}
http {
  access_log off;
  ${paths.map((name) => `${name}_temp_path ${folder}/${name};`).join(" ")}
  server {
    listen 127.0.0.1:${port};
    location / {
      proxy_pass http://127.0.0.1:${gatewayPort};
      ${readTimeoutS === null ? "" : `proxy_read_timeout ${readTimeoutS}s;`}
    }
  }
}
`,
      );
      return ["nginx", "-e", "stderr", "-p", folder, "-c", config];
    },
    health: async () => null,
  },
  caddy: {
    prepare(setup) {
      const { port, options } = setup;
      const { gatewayPort, readTimeoutS } = options;
      const limit = `transport http {\n response_header_timeout ${readTimeoutS}s\n read_timeout ${readTimeoutS}s\n}`;
      const config = writeConfig(
        setup,
        `{
admin off
auto_https off
}
http://127.0.0.1:${port} {
bind 127.0.0.1
reverse_proxy 127.0.0.1:${gatewayPort} {
health_uri /readyz
health_interval 1s
${readTimeoutS === null ? "" : limit}
}
}
`,
      );
      return ["caddy", "run", "--config", config, "--adapter", "caddyfile"];
    },
    // Caddy sends requests to a server that is well, and answers 503 for one that is not.
    health: async ({ port }) => {
      const { status } = await fetch(`http://127.0.0.1:${port}/healthz`);
      return status === 200 ? "up" : `down (${status})`;
    },
  },
  haproxy: {
    prepare(setup) {
      const { folder, port, options } = setup;
      const { gatewayPort, readTimeoutS } = options;
      const debian = readFileSync(HAPROXY_OF_DEBIAN, "utf8");
      const defaults = debian.slice(debian.indexOf("\ndefaults") + 1).replace("\tlog\tglobal\n", "");
      const limit = `timeout client ${readTimeoutS}s\ntimeout server ${readTimeoutS}s\n`;
      const config = writeConfig(
        setup,
        `global
stats socket ${folder}/stats level admin
${defaults}
${readTimeoutS === null ? "" : limit}
frontend all
bind 127.0.0.1:${port}
default_backend gateway
backend gateway
option httpchk GET /readyz
server one 127.0.0.1:${gatewayPort} check inter 1s
`,
      );
      return ["haproxy", "-db", "-f", config];
    },
    health: async ({ folder }) => await haproxyStatus(join(folder, "stats")),
  },
};

/** The state of the one server, as HAProxy tells it over its socket. */
async function haproxyStatus(socketPath: string): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  let text = "";
  await Bun.connect({
    unix: socketPath,
    socket: {
      open: (socket) => void socket.write("show stat\n"),
      data: (_, bytes) => {
        text += bytes.toString();
      },
      close: () => resolve(text),
      error: (_, cause) => reject(cause),
    },
  });
  const [head = "", ...lines] = (await promise).split("\n");
  const at = head.replace("# ", "").split(",").indexOf("status");
  const server = lines.find((line) => line.startsWith("gateway,one,"));
  return server?.split(",")[at]?.toLowerCase() ?? "unknown";
}

/** Starts a proxy in front of a gateway; resolves when a request comes through. */
export async function startProxy(name: ProxyName, options: ProxyOptions): Promise<RunningProxy> {
  const folder = makeFolder();
  const port = await freePort();
  const setup = { folder, port, options };
  mkdirSync(join(folder, "home"));
  const command = KINDS[name].prepare(setup);
  const log = join(folder, "log");
  const child = Bun.spawn([...command], {
    cwd: folder,
    env: { ...plainEnv(folder), PATH },
    stdin: "ignore",
    stdout: Bun.file(`${log}.out`),
    stderr: Bun.file(log),
  });
  const close = async (): Promise<void> => {
    const onLimit = setTimeout(() => child.kill("SIGKILL"), HANG_MS);
    child.kill("SIGTERM");
    await child.exited;
    clearTimeout(onLimit);
    rmSync(folder, { recursive: true, force: true });
  };
  const answers = async (): Promise<boolean> => {
    if (child.exitCode !== null) throw new Error(`${name} has ended:\n${readFileSync(log, "utf8")}`);
    return await fetch(`http://127.0.0.1:${port}/healthz`).then(
      ({ status }) => status === 200,
      () => false,
    );
  };
  try {
    await until(`${name} passes requests on`, answers);
  } catch (cause) {
    await close();
    throw cause;
  }
  return { name, port, health: () => KINDS[name].health(setup), close };
}
