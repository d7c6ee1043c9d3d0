/** The configuration as the rest of Clewline sees it: read, checked, references resolved, defaults filled in. */
import type { ParameterValues } from "../neutral/amendment.ts";
import type { ModelTraits, ThinkingTraits } from "../neutral/traits.ts";

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
  readonly media: MediaConfig;
  readonly translation: TranslationConfig;
  /** In the order of the file. */
  readonly traits: readonly TraitsOverride[];
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
  /** Silence after which a client that awaits a whole answer gets whitespace, and with it the status; null: never. */
  readonly keepaliveIntervalMs: number | null;
  /** Largest reply, or frame of a streamed one, that is translated. */
  readonly replyLimitBytes: number;
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
  /** The first is preferred where a request is translated. null: what the family speaks. */
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
  /** What a translation would leave out is refused with 400 instead. */
  readonly strict: boolean;
}

export interface ModelConfig {
  /** What clients ask for; may end in `*`. */
  readonly name: string;
  /** `upstream/model` in order: the rest are fallbacks. A `*` stands for what the name's `*` matched. */
  readonly targets: readonly string[];
  /** What a translation would leave out is refused with 400 instead. */
  readonly strict: boolean;
  /** Text put before and behind the client's instructions. */
  readonly systemBefore: string | null;
  readonly systemAfter: string | null;
  /** Stand in where the client says nothing. */
  readonly defaults: ParameterValues;
  /** Stand in whatever the client says. */
  readonly fixed: ParameterValues;
}

/** Images and documents that clients name by URL. */
export interface MediaConfig {
  /** Whether the gateway fetches them where the target cannot. */
  readonly fetch: boolean;
  readonly fetchLimitBytes: number;
  readonly fetchTimeoutMs: number;
}

export interface TranslationConfig {
  /** Memory of what a client's dialect cannot carry from turn to turn. */
  readonly memoryBytes: number;
}

/** What the operator knows of a model better than the table and the provider's list. */
export interface TraitsOverride {
  /** A model's name as its upstream calls it; may end in `*`. */
  readonly match: string;
  readonly traits: PartialTraits;
}

/** Some of a model's traits; the others stay as they are. */
export type PartialTraits = Partial<Omit<ModelTraits, "thinking" | "input">> & {
  readonly thinking?: Partial<ThinkingTraits>;
  readonly input?: Partial<ModelTraits["input"]>;
};
