import { expect, test } from "bun:test";
import * as v from "valibot";
import { buildConfig } from "../build.ts";
import type { Config } from "../config.ts";
import { DIRECT } from "../network/via.ts";
import { fileSchema } from "../schema.ts";
import { configSchemaEntries } from "../schema-entries.ts";
import { keysForNextStart } from "./restart.ts";

type Table = Record<string, unknown>;
const TLS = { cert_file: "/cert.pem", key_file: "/key.pem" };

/** The configuration of a file with TLS alone, with another value for one key. */
function configWith(key: string | null): Config {
  const checked = v.parse(fileSchema, { server: { tls: TLS } });
  if (key !== null) {
    const steps = key.split(".");
    const name = steps.pop() as string;
    const table = steps.reduce<Table>((at, step) => at[step] as Table, checked);
    table[name] = otherThan(table[name]);
  }
  const { data_dir: dataDir = "/data", tls } = checked.server;
  const paths = { dataDir, certFile: tls?.cert_file ?? "", keyFile: tls?.key_file ?? "", cert: "", key: "" };
  const vias = { network: DIRECT, upstreams: [] };
  const secrets = new Map<string, string>();
  return buildConfig({
    file: null,
    hasSecrets: false,
    readFiles: [],
    checked,
    secrets,
    vias,
    paths,
    passwordHash: null,
  });
}

function otherThan(value: unknown): unknown {
  if (typeof value === "boolean") return !value;
  if (Array.isArray(value)) return [...value, "other"];
  return typeof value === "number" ? value + 1 : "other";
}

const singles = configSchemaEntries().filter(({ key }) => !key.includes("[]") && !key.startsWith("admin."));

for (const { key, appliesAt } of singles) {
  const when = appliesAt === "start" ? "waits for the next start" : "waits for nothing";
  test(`a change of ${key} ${when}`, () => {
    expect(keysForNextStart(configWith(null), configWith(key))).toEqual(appliesAt === "start" ? [key] : []);
  });
}

test("a listening socket and an open file wait for the next start", () => {
  const keys = singles.filter(({ appliesAt }) => appliesAt === "start").map(({ key }) => key);
  expect(keys).toEqual(
    expect.arrayContaining(["server.host", "server.port", "server.data_dir", "log.level", "metrics.port"]),
  );
});

test("switching TLS on waits for the next start", () => {
  const before: Config = { ...configWith(null), server: { ...configWith(null).server, tls: null } };
  expect(keysForNextStart(before, configWith(null))).toEqual(["server.tls.cert_file", "server.tls.key_file"]);
});

test("a key in a list of tables never waits for the next start, because such keys are not compared", () => {
  const keys = configSchemaEntries().filter(
    ({ key, appliesAt }) => key.includes("[]") && appliesAt === "start",
  );
  expect(keys).toEqual([]);
});
