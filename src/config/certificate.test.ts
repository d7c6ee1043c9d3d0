import { expect, test } from "bun:test";
import { generateKeyPairSync } from "node:crypto";
import { readFileSync } from "node:fs";
import { findCertificateFault } from "./certificate.ts";

const FOLDER = new URL("../transport/http1/fixtures/", import.meta.url).pathname;
const pem = (name: string): string => readFileSync(`${FOLDER}${name}.pem`, "utf8");
const PAIR = pem("localhost");
const CERT_PATH = ["server", "tls", "cert_file"];
const KEY_PATH = ["server", "tls", "key_file"];

test("a pair is good, in one file or in two, whatever stands around it", async () => {
  const cert = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/.exec(PAIR)?.[0] ?? "";
  const key =
    /-----BEGIN (\w+ )?PRIVATE KEY-----[\s\S]+?-----END (\w+ )?PRIVATE KEY-----/.exec(PAIR)?.[0] ?? "";
  for (const pair of [
    { cert: PAIR, key: PAIR },
    { cert, key },
    { cert: `# the server\n${cert}\n${pem("ca")}`, key: `\n${key}\r\n` },
  ]) {
    expect(await findCertificateFault(pair, CERT_PATH, KEY_PATH)).toBeNull();
  }
});

test.each([
  ["", PAIR, "cert_file", "holds no certificate that can be read"],
  ["no PEM", PAIR, "cert_file", "holds no certificate that can be read"],
  [PAIR.slice(0, 200), PAIR, "cert_file", "holds no certificate that can be read"],
  [PAIR, "", "key_file", "holds no private key that can be read"],
  [PAIR, PAIR.replaceAll("PRIVATE KEY", "PUBLIC KEY"), "key_file", "holds no private key that can be read"],
  [PAIR, pem("other-host"), "key_file", "is not the private key of the certificate in server.tls.cert_file"],
])("a broken pair is told, with the key of the file (%#)", async (cert, key, name, message) => {
  const fault = await findCertificateFault({ cert, key }, CERT_PATH, KEY_PATH);
  expect([fault?.path.at(-1), fault?.message]).toEqual([name, message]);
  expect(fault?.repair).not.toBe("");
});

test("a key with a passphrase cannot be read", async () => {
  const { privateKey } = generateKeyPairSync("ec", {
    namedCurve: "P-256",
    publicKeyEncoding: { type: "spki", format: "pem" },
    privateKeyEncoding: { type: "pkcs8", format: "pem", cipher: "aes-256-cbc", passphrase: "word" },
  });
  const fault = await findCertificateFault({ cert: PAIR, key: privateKey }, CERT_PATH, KEY_PATH);
  expect(fault?.repair).toContain("without a passphrase");
});
