import { afterAll, beforeAll, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type Gateway, KEYS_TOML, startGateway, upstreamToml } from "../kit/gateway.ts";
import { request } from "../kit/raw-client.ts";
import { CHAT } from "../kit/recordings.ts";
import { describeKind } from "./kind.ts";
import { kind } from "./kinds/private-authorities.ts";

const FOLDER = join(import.meta.dir, "../../src/transport/http1/fixtures");
const CA = join(FOLDER, "ca.pem");
const ROOT = join(import.meta.dir, "../..");

describeKind(kind, () => {
  let server: Bun.Server<undefined>;
  beforeAll(() => {
    const pem = readFileSync(join(FOLDER, "localhost.pem"), "utf8");
    server = Bun.serve({
      port: 0,
      tls: { cert: pem, key: pem },
      fetch: () => new Response(CHAT.whole, { headers: { "content-type": "application/json" } }),
    });
  });
  afterAll(async () => await server.stop(true));

  async function ask(env: Readonly<Record<string, string>>) {
    const toml = KEYS_TOML + upstreamToml("openai", "openai", `https://localhost:${server.port}/v1`);
    const gateway: Gateway = await startGateway({ toml, env });
    const { status, body } = await request(gateway.port, CHAT.wholePath, { body: CHAT.body(false) });
    await gateway.close();
    return { status, text: body.toString() };
  }

  test("reported: without a word about the authority the refusal names the variables", async () => {
    const { status, text } = await ask({});
    expect(status).toBe(502);
    expect(text).toContain(
      "the upstream's TLS certificate is not accepted (UNABLE_TO_VERIFY_LEAF_SIGNATURE)",
    );
    expect(text).toContain("NODE_EXTRA_CA_CERTS");
  });

  for (const name of ["NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE"]) {
    test(`reported: with ${name} the upstream is reached`, async () => {
      expect(await ask({ [name]: CA })).toEqual({ status: 200, text: CHAT.whole });
    });
  }

  test("docs/configuration.md names both", () => {
    const page = readFileSync(join(ROOT, "docs/configuration.md"), "utf8");
    for (const name of ["NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE"]) expect(page).toContain(name);
  });
});
