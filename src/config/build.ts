/**
 * Builds the configuration from a checked file: camel case by the schema, then the resolved paths, hashes and
 * secrets.
 */
import { sha256Hex } from "../core/hash.ts";
import type { CHANNEL_SECRETS } from "./alerts/schema-alerts.ts";
import { toCamel } from "./camel-case.ts";
import type { CertificatePair } from "./certificate.ts";
import type { ReadFile } from "./change/watch.ts";
import { makeKeyConfig, makeTeamConfig } from "./client-keys.ts";
import type { Config } from "./config.ts";
import { KEY_HASH_PREFIX } from "./key-values.ts";
import { credentialKeysOf, makeNetworkConfig, upstreamKeysOf } from "./network/network-keys.ts";
import type { Vias } from "./network/resolve-vias.ts";
import { DIRECT } from "./network/via.ts";
import { type FileConfig, fileSchema } from "./schema.ts";

/** Absolute paths, and the texts of the certificate and its key; "" where the configuration names none. */
export interface ResolvedPaths extends CertificatePair {
  readonly dataDir: string;
  readonly certFile: string;
  readonly keyFile: string;
}

export interface Parts {
  readonly file: string | null;
  readonly hasSecrets: boolean;
  readonly readFiles: readonly ReadFile[];
  readonly checked: FileConfig;
  /** By path in the file, as in `keys.0.key`. */
  readonly secrets: ReadonlyMap<string, string>;
  readonly vias: Vias;
  readonly paths: ResolvedPaths;
  readonly passwordHash: string | null;
}

/** The configuration, frozen at every depth. */
export function buildConfig(parts: Parts): Config {
  const { file, hasSecrets, readFiles, checked, secrets, vias, paths, passwordHash } = parts;
  const { dataDir, ...tls } = paths;
  const keys = toCamel(fileSchema, checked);
  const { key: _key, ...metrics } = keys.metrics;
  const metricsKey = secrets.get("metrics.key");
  return deepFreeze({
    ...keys,
    file,
    hasSecrets,
    readFiles,
    server: { ...keys.server, dataDir, tls: keys.server.tls && tls },
    admin: keys.admin === null || passwordHash === null ? null : makeAdmin(keys.admin, passwordHash),
    alerts: {
      ...keys.alerts,
      webhook: secrets.get("alerts.webhook") ?? null,
      secret: secrets.get("alerts.secret") ?? null,
      channels: keys.alerts.channels.map((channel, i) => ({
        ...channel,
        ...channelSecrets(secrets, `alerts.channels.${i}`),
      })),
    },
    metrics: { ...metrics, keySha256: metricsKey === undefined ? null : sha256(metricsKey) },
    network: makeNetworkConfig(keys.network, vias.network),
    upstreams: keys.upstreams.map((upstream, i) => ({
      ...upstreamKeysOf(upstream),
      headers: fixedValues(upstream.headers, secrets, `upstreams.${i}.headers`),
      query: fixedValues(upstream.query, secrets, `upstreams.${i}.query`),
      via: vias.upstreams[i]?.via ?? DIRECT,
      credentials: upstream.credentials.map((credential, j) => ({
        ...credentialKeysOf(credential),
        via: vias.upstreams[i]?.credentials[j] ?? DIRECT,
        apiKey: secretAt(secrets, `upstreams.${i}.credentials.${j}.api_key`),
      })),
    })),
    keys: checked.keys.map((key, i) => makeKeyConfig(key, digestOfKey(key.key_hash, secrets, i))),
    teams: checked.teams.map(makeTeamConfig),
  });
}

function fixedValues(
  members: readonly { readonly name: string }[],
  secrets: ReadonlyMap<string, string>,
  path: string,
): { readonly name: string; readonly value: string }[] {
  return members.map(({ name }, i) => ({ name, value: secretAt(secrets, `${path}.${i}.value`) }));
}

function makeAdmin(
  { password: _password, ...admin }: NonNullable<ReturnType<typeof toCamel<typeof fileSchema>>["admin"]>,
  passwordHash: string,
): NonNullable<Config["admin"]> {
  return { ...admin, passwordHash };
}

function channelSecrets(
  secrets: ReadonlyMap<string, string>,
  path: string,
): Record<(typeof CHANNEL_SECRETS)[number], string | null> {
  const at = (name: string): string | null => secrets.get(`${path}.${name}`) ?? null;
  return { url: at("url"), secret: at("secret"), token: at("token"), password: at("password") };
}

function digestOfKey(written: string | undefined, secrets: ReadonlyMap<string, string>, i: number): string {
  return written?.slice(KEY_HASH_PREFIX.length) ?? sha256(secretAt(secrets, `keys.${i}.key`));
}

function secretAt(secrets: ReadonlyMap<string, string>, path: string): string {
  const found = secrets.get(path);
  if (found === undefined) throw new TypeError(`no secret was resolved for ${path}`);
  return found;
}

/** In lower-case hex. */
export function sha256(value: string): string {
  return sha256Hex(value);
}

function deepFreeze<T extends object>(value: T): T {
  for (const child of Object.values(value))
    if (typeof child === "object" && child !== null) deepFreeze(child);
  return Object.freeze(value);
}
