// A gateway in a network of its own, in which a proxy is all that it can reach: nothing may leave beside the proxy.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { CLIENT_KEY, KEYS_TOML, startGateway, until, upstreamToml } from "../kit/gateway.ts";
import { CHAT } from "../kit/recordings.ts";
import { makeNamespace } from "./namespace.ts";
import {
  installOutboundProxies,
  type OutboundProxyName,
  runTool,
  startOutboundProxy,
} from "./outbound-proxies.ts";

const NAME = `clw${process.pid % 100_000}`;
const [OUTSIDE, INSIDE] = ["10.231.7.1", "10.231.7.2"];
const NETWORK = makeNamespace(NAME, OUTSIDE, INSIDE);
const CAN_RUN = NETWORK !== null;
const INTO = NETWORK?.into ?? [];
const FIXTURES = join(import.meta.dir, "../../src/transport/http1/fixtures");

let upstream: Bun.Server<undefined>;
beforeAll(async () => {
  if (!CAN_RUN) return;
  await installOutboundProxies();
  // The loopback of this machine: no packet of the namespace can come here but by the proxy.
  const pem = readFileSync(join(FIXTURES, "localhost.pem"), "utf8");
  upstream = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    tls: { cert: pem, key: pem },
    async fetch(call) {
      if (call.method === "GET") return Response.json({ data: [{ id: CHAT.model, object: "model" }] });
      const isStream = (await call.text()).includes('"stream":true');
      return isStream
        ? new Response(CHAT.frames.join(""), { headers: { "content-type": CHAT.streamType } })
        : new Response(CHAT.whole, { headers: { "content-type": "application/json" } });
    },
  });
}, 300_000);
afterAll(async () => {
  await upstream?.stop(true);
  NETWORK?.remove();
});

/** Every packet that leaves the namespace for another place than the proxy, a line each. */
async function watchPackets(proxyPort: number): Promise<{ stop(): Promise<string[]> }> {
  const filter = `(tcp or udp) and not (host ${OUTSIDE} and tcp port ${proxyPort})`;
  const child = Bun.spawn(["tcpdump", "-l", "-nn", "-i", `${NAME}o`, filter], {
    stdout: "pipe",
    stderr: "pipe",
  });
  let said = "";
  const reading = (async () => {
    for await (const bytes of child.stderr) said += Buffer.from(bytes).toString();
  })();
  await until("packets are watched", () => said.includes("listening on"));
  return {
    async stop() {
      // Packets are shown a moment after they have passed.
      await Bun.sleep(500);
      child.kill("SIGINT");
      const [out] = await Promise.all([new Response(child.stdout).text(), child.exited, reading]);
      return out.split("\n").filter((line) => line !== "");
    },
  };
}

/** One request of a client in the namespace. Returns what `CLIENT` prints. */
async function askInside(port: number, ...bodies: readonly string[]): Promise<string> {
  const url = `http://127.0.0.1:${port}${CHAT.wholePath}`;
  const command = [...INTO, process.execPath, "-e", CLIENT, url, CLIENT_KEY, ...bodies];
  return await new Response(Bun.spawn(command).stdout).text();
}

/** Runs in the namespace, and prints the replies' bodies. */
const CLIENT = `
const [url, key, ...bodies] = process.argv.slice(1);
for (const body of bodies) {
  const reply = await fetch(url, { method: "POST", headers: { authorization: "Bearer " + key }, body });
  process.stdout.write(reply.status + " " + (await reply.text()) + "\\0");
}`;

const WAYS: readonly (readonly [OutboundProxyName, string])[] = [
  ["squid", "http"],
  ["microsocks", "socks5h"],
  ["dante", "socks5h"],
];

test.skipIf(!CAN_RUN).each(WAYS)(
  "through %s as %s answers, lists and doctor work, and nothing leaves beside it",
  async (name, kind) => {
    const proxy = await startOutboundProxy(name, { host: OUTSIDE });
    const packets = await watchPackets(proxy.port);
    const toml = `[network]\nproxy = "${kind}://${OUTSIDE}:${proxy.port}"\n${KEYS_TOML}${upstreamToml(
      "far",
      "openai",
      `https://localhost:${upstream.port}/v1`,
      { lines: `ca_file = "${join(FIXTURES, "ca.pem")}"` },
    )}`;
    const gateway = await startGateway({ toml, prefix: INTO });
    const bodies = [CHAT.body(false), CHAT.body(true)].map((body) =>
      body.replace(CHAT.model, `far/${CHAT.model}`),
    );
    const out = await askInside(gateway.port, ...bodies);
    expect(out.split("\0")).toEqual([`200 ${CHAT.whole}`, `200 ${CHAT.frames.join("")}`, ""]);
    const doctor = await gateway.command("doctor", "--json");
    expect(JSON.parse(doctor.out)).toMatchObject({ ok: true });
    await gateway.close();
    expect(await packets.stop()).toEqual([]);
    await proxy.close();
  },
  120_000,
);

test.skipIf(!CAN_RUN)(
  "F5 F33 an address that leads nowhere costs no request, and a name that nobody knows any more leads where it led",
  async () => {
    const outside = Bun.serve({
      port: 0,
      hostname: OUTSIDE,
      // Each request needs a connection of its own.
      fetch: () =>
        new Response(CHAT.whole, { headers: { "content-type": "application/json", connection: "close" } }),
    });
    // Packets to this network are sent, and nobody is there.
    runTool("ip", "-n", NAME, "route", "add", "10.232.0.0/16", "dev", `${NAME}i`);
    const hosts = NETWORK?.hosts ?? "";
    const known = readFileSync(hosts, "utf8");
    writeFileSync(hosts, `${known}10.232.0.1 dual.test\n${OUTSIDE} dual.test\n`);
    const toml =
      KEYS_TOML +
      upstreamToml("far", "openai", `http://dual.test:${outside.port}/v1`, {
        lines: "connect_timeout_ms = 1500",
      });
    const gateway = await startGateway({
      toml,
      prefix: INTO,
      // The runtime's own memory would hide what happens after it.
      env: { BUN_CONFIG_DNS_TIME_TO_LIVE_SECONDS: "0" },
    });
    const body = CHAT.body(false).replace(CHAT.model, `far/${CHAT.model}`);
    for (let i = 0; i < 3; i++) expect(await askInside(gateway.port, body)).toBe(`200 ${CHAT.whole}\0`);
    writeFileSync(hosts, known);
    for (let i = 0; i < 3; i++) expect(await askInside(gateway.port, body)).toBe(`200 ${CHAT.whole}\0`);
    await gateway.close();
    await outside.stop(true);
  },
  120_000,
);
