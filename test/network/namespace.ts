/** A network of a gateway's own, with one way out: to an address of this machine. */
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { runTool } from "./outbound-proxies.ts";

export interface Namespace {
  readonly name: string;
  /** Runs a command in the network. */
  readonly into: readonly string[];
  /** The interface on this machine's side, and the one within. */
  readonly outer: string;
  readonly inner: string;
  /** The file of names that the network knows without DNS. */
  readonly hosts: string;
  remove(): void;
}

/** Namespaces need root, and a kernel that lets this machine make them. */
export function makeNamespace(name: string, outside: string, inside: string): Namespace | null {
  if (process.getuid?.() !== 0) return null;
  const { exitCode } = Bun.spawnSync(["sh", "-c", `ip netns add ${name} && ip netns exec ${name} true`]);
  if (exitCode !== 0) return null;
  const folder = `/etc/netns/${name}`;
  const [outer, inner] = [`${name}o`, `${name}i`];
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "resolv.conf"), `nameserver ${outside}\noptions timeout:1 attempts:1\n`);
  const hosts = join(folder, "hosts");
  writeFileSync(hosts, "127.0.0.1 localhost\n");
  runTool("ip", "link", "add", outer, "type", "veth", "peer", "name", inner);
  runTool("ip", "link", "set", inner, "netns", name);
  runTool("ip", "addr", "add", `${outside}/30`, "dev", outer);
  runTool("ip", "-n", name, "addr", "add", `${inside}/30`, "dev", inner);
  runTool("ip", "link", "set", outer, "up");
  runTool("ip", "-n", name, "link", "set", inner, "up");
  runTool("ip", "-n", name, "link", "set", "lo", "up");
  return {
    name,
    into: ["ip", "netns", "exec", name],
    outer,
    inner,
    hosts,
    remove() {
      runTool("ip", "netns", "del", name);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
