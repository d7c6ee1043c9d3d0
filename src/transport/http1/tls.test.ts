import { afterEach, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { type AddressInfo, createServer, type Server } from "node:net";
import { createServer as createTlsServer } from "node:tls";

const FOLDER = `${import.meta.dir}/fixtures`;
const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

async function portOf(server: Server): Promise<number> {
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, resolve));
  return (server.address() as AddressInfo).port;
}

/** Answers requests once they are whole, over TLS with a certificate out of the fixtures; `seen`: the name each connection asks for. */
async function tlsPort(certificate: string, seen: string[] = []): Promise<number> {
  const pem = readFileSync(`${FOLDER}/${certificate}.pem`);
  const server = createTlsServer({ cert: pem, key: pem }, (socket) => {
    let sizeBytes = 0;
    socket.once("data", () => seen.push(String(socket.servername)));
    socket.on("error", () => socket.destroy());
    socket.on("data", (bytes) => {
      sizeBytes += bytes.length;
      if (sizeBytes < 3_000_000) return;
      sizeBytes = 0;
      socket.write("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
    });
  });
  return portOf(server);
}

/** Sends a request to each URL in a process of its own. */
async function outcomesOf(urls: readonly string[], environment: Record<string, string>): Promise<string[]> {
  const child = Bun.spawn([process.execPath, `${FOLDER}/tls-trial.ts`, ...urls], {
    env: { ...process.env, ...environment },
    stderr: "inherit",
  });
  return JSON.parse(await new Response(child.stdout).text());
}

test("an upstream whose certificate is good is reached by name and by address, and keeps its connection", async () => {
  const seen: string[] = [];
  const port = await tlsPort("localhost", seen);
  const urls = ["localhost", "localhost", "127.0.0.1", "[::1]"].map((host) => `https://${host}:${port}/`);
  const outcomes = await outcomesOf(urls, { NODE_EXTRA_CA_CERTS: `${FOLDER}/ca.pem` });
  expect(outcomes).toEqual(Array(4).fill("200 hello null"));
  expect([seen.length, seen[0]]).toEqual([3, "localhost"]);
});

test("an upstream whose certificate is not good gets no byte of a request, even when the environment asks for it", async () => {
  const seen: string[] = [];
  const urls: string[] = [];
  for (const certificate of ["expired", "other-host", "self-signed"]) {
    urls.push(`https://localhost:${await tlsPort(certificate, seen)}/`);
  }
  urls.push(`https://127.0.0.1:${await tlsPort("other-host", seen)}/`);
  const outcomes = await outcomesOf(urls, {
    NODE_EXTRA_CA_CERTS: `${FOLDER}/ca.pem`,
    NODE_TLS_REJECT_UNAUTHORIZED: "0",
  });
  const refused = "upstream_connect: the upstream's TLS certificate is not accepted";
  const repair =
    "; for a private authority, name the file of its certificates in ca_file of the upstream, or start Clewline with NODE_EXTRA_CA_CERTS or SSL_CERT_FILE";
  expect(outcomes).toEqual([
    `${refused} (CERT_HAS_EXPIRED)`,
    `${refused} (ERR_TLS_CERT_ALTNAME_INVALID)`,
    `${refused} (DEPTH_ZERO_SELF_SIGNED_CERT)${repair}`,
    `${refused} (ERR_TLS_CERT_ALTNAME_INVALID)`,
  ]);
  expect(await outcomesOf([`https://localhost:${await tlsPort("localhost", seen)}/`], {})).toEqual([
    `${refused} (UNABLE_TO_VERIFY_LEAF_SIGNATURE)${repair}`,
  ]);
  expect(seen).toEqual([]);
});

test("an upstream that speaks no TLS, hangs up, or says nothing at all cannot be reached", async () => {
  const plain = await portOf(
    createServer((socket) => {
      socket.on("error", () => socket.destroy());
      socket.end("HTTP/1.1 400 Bad Request\r\n\r\n");
    }),
  );
  const gone = await portOf(createServer((socket) => socket.destroy()));
  const mute = await portOf(createServer((socket) => socket.on("error", () => socket.destroy())));
  const outcomes = await outcomesOf(
    [plain, gone, mute].map((port) => `https://localhost:${port}/`),
    {},
  );
  expect(outcomes[0]).toBe(
    "upstream_connect: no TLS connection to the upstream; check whether its base_url means https",
  );
  expect(outcomes[1]).toStartWith("upstream_connect: ");
  expect(outcomes[2]).toBe(
    "upstream_connect: no connection to the upstream within 1000 ms; check its base_url and the network",
  );
});
