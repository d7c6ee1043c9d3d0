/** Turns a checked file, its secrets and its paths into the resolved configuration. */
import { createHash } from "node:crypto";
import type { ParameterValues } from "../neutral/amendment.ts";
import type { Config, CredentialConfig, ModelConfig, TraitsOverride, UpstreamConfig } from "./config.ts";
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
  const { server, metrics, ledger, media, translation } = from;
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
      keepaliveIntervalMs: server.keepalive_interval_s === 0 ? null : server.keepalive_interval_s * 1_000,
      replyLimitBytes: server.reply_limit_bytes,
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
      strict: key.strict,
    })),
    models: from.models.map(buildModel),
    media: {
      fetch: media.fetch,
      fetchLimitBytes: media.fetch_limit_bytes,
      fetchTimeoutMs: media.fetch_timeout_ms,
    },
    translation: { memoryBytes: translation.memory_bytes },
    traits: from.traits.map(buildTraits),
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

function buildModel(from: FileConfig["models"][number]): ModelConfig {
  return {
    name: from.name,
    targets: from.targets,
    strict: from.strict,
    systemBefore: from.system_before ?? null,
    systemAfter: from.system_after ?? null,
    defaults: buildParameters(from.defaults),
    fixed: buildParameters(from.fixed),
  };
}

function buildParameters(from: FileConfig["models"][number]["fixed"]): ParameterValues {
  return {
    temperature: from.temperature ?? null,
    topP: from.top_p ?? null,
    topK: from.top_k ?? null,
    maxOutputTokens: from.max_output_tokens ?? null,
    effort: from.effort ?? null,
    thinkingBudgetTokens: from.thinking_budget_tokens ?? null,
    stop: from.stop ?? null,
    seed: from.seed ?? null,
  };
}

function buildTraits(from: FileConfig["traits"][number]): TraitsOverride {
  const thinking = given({
    kind: from.thinking,
    efforts: from.efforts,
    minBudgetTokens: from.min_budget_tokens,
    maxBudgetTokens: from.max_budget_tokens,
    canDisable: from.can_disable_thinking,
    isOnByDefault: from.thinks_by_default,
  });
  const input = given({ image: from.image, pdf: from.pdf, audio: from.audio, video: from.video });
  return {
    match: from.match,
    traits: {
      ...given({
        contextTokens: from.context_tokens,
        maxOutputTokens: from.max_output_tokens,
        sampling: from.sampling,
        structuredOutput: from.structured_output,
        midSystem: from.mid_system,
        prefill: from.prefill,
        stop: from.stop,
        sealedCalls: from.sealed_calls,
        resultImages: from.result_images,
        needsResponsesForTools: from.needs_responses_for_tools,
        forcedTools: from.forced_tools,
        cacheBreakpoints: from.cache_breakpoints,
        webSearch: from.web_search,
      }),
      ...(Object.keys(thinking).length === 0 ? {} : { thinking }),
      ...(Object.keys(input).length === 0 ? {} : { input }),
    },
  };
}

/** The members that have a value. */
function given<T extends object>(members: T): { readonly [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as {
    readonly [K in keyof T]?: Exclude<T[K], undefined>;
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
