// Upstreams with an authority of their own, that want a certificate of the gateway, or that speak an old TLS.
import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { createServer, type Server } from "node:tls";
import { type Gateway, KEYS_TOML, makeFolder, startGateway, until, upstreamToml } from "../kit/gateway.ts";
import { request } from "../kit/raw-client.ts";
import { CHAT } from "../kit/recordings.ts";
import { installOutboundProxies, runTool } from "./outbound-proxies.ts";

let folder = "";
const file = (name: string): string => join(folder, name);
const pem = (name: string): string => readFileSync(file(name), "utf8");

/** A key and a certificate that the authority has signed. */
function sign(name: string, subject: string, authority = "ca"): void {
  const names = file(`${name}.ext`);
  writeFileSync(names, "subjectAltName=DNS:localhost,IP:127.0.0.1\n");
  const key = [
    "-newkey",
    "ec",
    "-pkeyopt",
    "ec_paramgen_curve:P-256",
    "-nodes",
    "-keyout",
    file(`${name}.key`),
  ];
  runTool("openssl", "req", "-new", ...key, "-subj", `/CN=${subject}`, "-out", file(`${name}.csr`));
  const by = ["-CA", file(`${authority}.pem`), "-CAkey", file(`${authority}.key`), "-CAcreateserial"];
  const days = ["-days", "30", "-extfile", names];
  runTool("openssl", "x509", "-req", "-in", file(`${name}.csr`), ...by, ...days, "-out", file(`${name}.pem`));
}

function makeAuthority(name: string): void {
  const key = [
    "-newkey",
    "ec",
    "-pkeyopt",
    "ec_paramgen_curve:P-256",
    "-nodes",
    "-keyout",
    file(`${name}.key`),
  ];
  runTool(
    "openssl",
    "req",
    "-x509",
    ...key,
    "-subj",
    `/CN=${name}`,
    "-days",
    "30",
    "-out",
    file(`${name}.pem`),
  );
}

beforeAll(async () => {
  await installOutboundProxies();
  folder = makeFolder();
  makeAuthority("ca");
  makeAuthority("other");
  sign("server", "localhost");
  sign("client", "gateway");
  sign("stranger", "stranger", "other");
}, 300_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const running: { close(): unknown }[] = [];
afterEach(async () => {
  for (const one of running.splice(0).toReversed()) await one.close();
});

/** Answers every request. `peers`: the name in the certificate of each client. */
async function startUpstream(
  options: { wantsCertificate?: boolean; maxVersion?: "TLSv1.2" },
  peers: string[],
) {
  const { wantsCertificate = false, maxVersion } = options;
  const server: Server = createServer(
    {
      cert: pem("server.pem"),
      key: pem("server.key"),
      ca: pem("ca.pem"),
      requestCert: wantsCertificate,
      rejectUnauthorized: wantsCertificate,
      ...(maxVersion === undefined ? {} : { maxVersion }),
    },
    (socket) => {
      socket.on("error", () => socket.destroy());
      socket.on("data", () => {
        peers.push(String(socket.getPeerCertificate()?.subject?.CN));
        socket.write(
          `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(CHAT.whole)}\r\n\r\n${CHAT.whole}`,
        );
      });
    },
  );
  server.on("tlsClientError", () => undefined);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  running.push({ close: () => server.close() });
  return (server.address() as AddressInfo).port;
}

async function startWith(
  port: number,
  lines: string,
  files: Readonly<Record<string, string>> = {},
): Promise<Gateway> {
  const toml = KEYS_TOML + upstreamToml("up", "openai", `https://localhost:${port}/v1`, { lines });
  const gateway = await startGateway({ toml, files });
  running.push(gateway);
  return gateway;
}

async function ask(gateway: Gateway): Promise<{ status: number; text: string }> {
  const { status, body } = await request(gateway.port, CHAT.wholePath, { body: CHAT.body(false) });
  return { status, text: body.toString() };
}

test("an upstream of a private authority is reached where its file is named, and nowhere else", async () => {
  const port = await startUpstream({}, []);
  expect((await ask(await startWith(port, `ca_file = "${file("ca.pem")}"`))).status).toBe(200);
  for (const lines of ["", `ca_file = "${file("other.pem")}"`]) {
    const { status, text } = await ask(await startWith(port, lines));
    expect([lines, status]).toEqual([lines, 502]);
    expect(text).toContain("the upstream's TLS certificate is not accepted");
    expect(text).toContain("ca_file");
  }
}, 60_000);

test("an upstream that wants a certificate gets the gateway's, and refuses others", async () => {
  const peers: string[] = [];
  const port = await startUpstream({ wantsCertificate: true }, peers);
  const ca = `ca_file = "${file("ca.pem")}"`;
  const pair = (name: string): string =>
    `${ca}\ncert_file = "${file(`${name}.pem`)}"\nkey_file = "${file(`${name}.key`)}"`;
  expect((await ask(await startWith(port, pair("client")))).status).toBe(200);
  const asked = peers.length;
  expect(new Set(peers)).toEqual(new Set(["gateway"]));
  for (const lines of [ca, pair("stranger")]) {
    expect((await ask(await startWith(port, lines))).status).toBe(502);
  }
  const { text } = await ask(await startWith(port, ca));
  expect(text).toContain(
    "the upstream wants another certificate of its caller (certificate required); check cert_file and key_file",
  );
  expect(peers.length).toBe(asked);
}, 60_000);

test("a renewed certificate of the gateway is shown from the next connection on, without a start", async () => {
  const peers: string[] = [];
  const port = await startUpstream({ wantsCertificate: true }, peers);
  sign("renewed", "renewed gateway");
  const gateway = await startWith(
    port,
    `ca_file = "${file("ca.pem")}"\ncert_file = "own.pem"\nkey_file = "own.key"`,
    { "own.pem": pem("client.pem"), "own.key": pem("client.key") },
  );
  expect((await ask(gateway)).status).toBe(200);
  writeFileSync(join(gateway.folder, "own.key"), pem("renewed.key"));
  writeFileSync(join(gateway.folder, "own.pem"), pem("renewed.pem"));
  await until("the new certificate is shown", async () => {
    await ask(gateway);
    return peers.at(-1) === "renewed gateway";
  });
}, 60_000);

test("a version of TLS that is too old is refused", async () => {
  const port = await startUpstream({ maxVersion: "TLSv1.2" }, []);
  const ca = `ca_file = "${file("ca.pem")}"`;
  expect((await ask(await startWith(port, ca))).status).toBe(200);
  const { status, text } = await ask(await startWith(port, `${ca}\nmin_tls_version = "1.3"`));
  expect(status).toBe(502);
  expect(text).toContain("no TLS connection to the upstream");
}, 60_000);
