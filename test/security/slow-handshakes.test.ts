// Connections that begin TLS and never end its handshake: they are let go, and honest clients are served meanwhile.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { type Gateway, KEYS_TOML, startGateway, until, upstreamToml } from "../kit/gateway.ts";
import { request } from "../kit/raw-client.ts";

const CERTIFICATE = join(import.meta.dir, "../../src/transport/http1/fixtures/localhost.pem");
const CONNECTIONS = 200;
/** The beginnings of handshakes: nothing, a part of a hello, the head of a record that never comes, and no TLS at all. */
const BEGINNINGS = ["", "160301020001", "16030140000100", "504f5354"].map((hex) => Buffer.from(hex, "hex"));

let gateway: Gateway;
beforeAll(async () => {
  gateway = await startGateway({
    toml: [
      `[server.tls]\ncert_file = "${CERTIFICATE}"\nkey_file = "${CERTIFICATE}"`,
      KEYS_TOML,
      upstreamToml("openai", "openai", "http://127.0.0.1:9/v1"),
    ].join("\n"),
    server: "request_timeout_ms = 2000",
    isTls: true,
  });
});
afterAll(() => gateway?.close());

test("handshakes that never end are let go, and others are served meanwhile", async () => {
  let closed = 0;
  const sockets = Array.from({ length: CONNECTIONS }, (_, n): Socket => {
    const socket = connect(gateway.port, "127.0.0.1", () =>
      socket.write(BEGINNINGS[n % BEGINNINGS.length] as Buffer),
    );
    return socket
      .on("error", () => undefined)
      .on("close", () => {
        closed += 1;
      });
  });
  const health = await request(gateway.port, "/healthz", { isTls: true, key: null });
  expect(health.status).toBe(200);
  await until("all of them are let go", () => closed === CONNECTIONS);
  for (const socket of sockets) socket.destroy();
});
