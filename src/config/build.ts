/** Turns a checked file, its secrets and its paths into the resolved configuration. */
import { createHash } from "node:crypto";
import type { Config, CredentialConfig, UpstreamConfig } from "./config.ts";
import type { FileConfig } from "./schema.ts";

/** Absolute paths; "" where the configuration names none. */
export interface ResolvedPaths {
  readonly dataDir: string;
  readonly certFile: string;
  readonly keyFile: string;
}

/** What a configuration is made of. */
export interface Parts {
  readonly file: string | null;
  readonly checked: FileConfig;
  /** By `keys.0.key`. */
  readonly secrets: ReadonlyMap<string, string>;
  readonly paths: ResolvedPaths;
  readonly passwordHash: string | null;
}

/** The resolved configuration, frozen through and through. */
export function buildConfig({ file, checked: from, secrets, paths, passwordHash }: Parts): Config {
  const { server, metrics, ledger } = from;
  const metricsKey = secrets.get("metrics.key");
  return deepFreeze({
    file,
    server: {
      host: server.host,
      port: server.port,
      dataDir: paths.dataDir,
      trustedProxies: server.trusted_proxies,
      hosts: server.hosts.map((host) => host.toLowerCase()),
      basePath: server.base_path,
      tls: server.tls === undefined ? null : { certFile: paths.certFile, keyFile: paths.keyFile },
      bodyLimitBytes: server.body_limit_bytes,
      requestTimeoutMs: server.request_timeout_ms,
      drainTimeoutMs: server.drain_timeout_ms,
      corsOrigins: server.cors_origins,
      pingIntervalMs: server.ping_interval_ms,
      forwardUpstreamHeaders: server.forward_upstream_headers,
    },
    log: from.log,
    admin: passwordHash === null ? null : { passwordHash },
    metrics: {
      enabled: metrics.enabled,
      port: metrics.port ?? null,
      keySha256: metricsKey === undefined ? null : sha256(metricsKey),
    },
    ledger: { onFailure: ledger.on_failure, queueRows: ledger.queue_rows },
    upstreams: from.upstreams.map((upstream, index) => buildUpstream(upstream, index, secrets)),
    keys: from.keys.map((key, index) => ({
      name: key.name,
      keySha256: sha256(text(secrets, `keys.${index}.key`)),
    })),
    models: from.models,
  });
}

function buildUpstream(
  from: FileConfig["upstreams"][number],
  index: number,
  secrets: ReadonlyMap<string, string>,
): UpstreamConfig {
  const baseUrl = from.base_url?.replace(/\/+$/, "") ?? null;
  return {
    name: from.name,
    family: from.family,
    baseUrl,
    dialects: from.dialects ?? null,
    injectUsage: from.inject_usage,
    connectTimeoutMs: from.connect_timeout_ms,
    firstByteTimeoutMs: from.first_byte_timeout_ms,
    idleTimeoutMs: from.idle_timeout_ms,
    credentials: from.credentials.map((credential, at) => ({
      name: credential.name,
      apiKey: text(secrets, `upstreams.${index}.credentials.${at}.api_key`),
      priority: credential.priority,
      scope: credential.scope ?? defaultScope(from.family, baseUrl),
    })),
  };
}

/** The three providers limit each model by itself; a compatible server usually limits the key. */
function defaultScope(family: UpstreamConfig["family"], baseUrl: string | null): CredentialConfig["scope"] {
  if (family !== "openai" || baseUrl === null) return "model";
  return new URL(baseUrl).hostname === "api.openai.com" ? "model" : "credential";
}

function text(secrets: ReadonlyMap<string, string>, path: string): string {
  const found = secrets.get(path);
  if (found === undefined) throw new TypeError(`no secret was resolved for ${path}`);
  return found;
}

function sha256(value: string): string {
  return createHash("sha256").update(value).digest("hex");
}

function deepFreeze<T extends object>(value: T): T {
  for (const child of Object.values(value))
    if (typeof child === "object" && child !== null) deepFreeze(child);
  return Object.freeze(value);
}
