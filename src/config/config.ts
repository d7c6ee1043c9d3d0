/** The configuration as the rest of Clewline sees it: read, checked, references resolved, defaults filled in. */

/** Everything that `clewline.toml`, the environment and the flags say. Frozen; a change makes a new one. */
export interface Config {
  /** The file it came from, absolute; null when there is none. */
  readonly file: string | null;
  readonly server: ServerConfig;
  readonly log: { readonly level: LogLevel };
  /** null: the admin is off. `passwordHash` is an argon2id PHC string. */
  readonly admin: { readonly passwordHash: string } | null;
  readonly metrics: MetricsConfig;
  readonly ledger: LedgerConfig;
  readonly upstreams: readonly UpstreamConfig[];
  readonly keys: readonly KeyConfig[];
  readonly models: readonly ModelConfig[];
}

export type LogLevel = "debug" | "info" | "warn" | "error";

export interface ServerConfig {
  readonly host: string;
  readonly port: number;
  /** Absolute; need not exist yet. */
  readonly dataDir: string;
  /** Addresses and CIDRs whose `X-Forwarded-For` is believed. */
  readonly trustedProxies: readonly string[];
  /** Names answered to, lower case, without port; empty: any valid `Host`. */
  readonly hosts: readonly string[];
  /** "" or "/x": no slash at the end. */
  readonly basePath: string;
  /** Absolute paths of PEM files; null: plain HTTP. */
  readonly tls: { readonly certFile: string; readonly keyFile: string } | null;
  /** Largest request body, before and after decoding. */
  readonly bodyLimitBytes: number;
  /** How long a client may take to send its request. */
  readonly requestTimeoutMs: number;
  /** How long running streams may go on after SIGTERM. */
  readonly drainTimeoutMs: number;
  /** Origins that browsers may call from: `https://host[:port]`, or `*`. */
  readonly corsOrigins: readonly string[];
  /** Silence of an upstream after which the client's stream gets a ping. */
  readonly pingIntervalMs: number;
  /** false: rate-limit and organization headers of our credential are not shown to clients. */
  readonly forwardUpstreamHeaders: boolean;
}

export interface MetricsConfig {
  readonly enabled: boolean;
  /** Own port on `server.host`; null: `/metrics` on the main port, for the metrics key as Bearer. */
  readonly port: number | null;
  /** SHA-256 of `[metrics] key` in lower-case hex; null: none set. */
  readonly keySha256: string | null;
}

export interface LedgerConfig {
  /** What happens to requests while the ledger cannot be written. */
  readonly onFailure: "refuse" | "serve";
  /** Rows that may wait for a commit. */
  readonly queueRows: number;
}

export interface UpstreamConfig {
  /** Also the model prefix: `name/model`. */
  readonly name: string;
  readonly family: "anthropic" | "gemini" | "openai";
  /** Without a slash at the end; null: the family's default. */
  readonly baseUrl: string | null;
  /** null: what the family speaks. */
  readonly dialects: readonly ("openai-chat" | "openai-responses")[] | null;
  /** Asks Chat streams for usage where the client did not. */
  readonly injectUsage: boolean;
  readonly connectTimeoutMs: number;
  readonly firstByteTimeoutMs: number;
  /** Silence within a reply after which it counts as cut. */
  readonly idleTimeoutMs: number;
  /** At least one. */
  readonly credentials: readonly CredentialConfig[];
}

export interface CredentialConfig {
  readonly name: string;
  /** The secret itself: never log, never show. */
  readonly apiKey: string;
  /** Lower is first. */
  readonly priority: number;
  /** What a rate limit parks: the credential as a whole, or only for the model that was asked. */
  readonly scope: "credential" | "model";
}

export interface KeyConfig {
  readonly name: string;
  /** SHA-256 of the client key in lower-case hex. */
  readonly keySha256: string;
}

export interface ModelConfig {
  /** What clients ask for; may end in `*`. */
  readonly name: string;
  /** `upstream/model` in order: the rest are fallbacks. A `*` stands for what the name's `*` matched. */
  readonly targets: readonly string[];
}
