/**
 * The configuration for the rest of Clewline: the schema's keys in camel case, with absent keys as null. Only
 * resolved values are listed here, because they differ from the file: paths, hashes and secrets.
 */
import type { CHANNEL_SECRETS } from "./alerts/schema-alerts.ts";
import type { Camel } from "./camel-case.ts";
import type { CertificatePair } from "./certificate.ts";
import type { ReadFile } from "./change/watch.ts";
import type { KeyConfig, TeamConfig } from "./client-keys.ts";
import type { CredentialKeys, NetworkConfig, UpstreamKeys } from "./network/network-keys.ts";
import type { Via } from "./network/via.ts";
import type { FileConfig } from "./schema.ts";

type Keys = Camel<FileConfig>;
type Replace<Table, Resolved> = Omit<Table, keyof Resolved> & Readonly<Resolved>;

/** The configuration in force: file, environment and flags. Frozen; a change makes a new one. */
export type Config = Replace<
  Keys,
  {
    /** Absolute path of the file; null when there is none. */
    file: string | null;
    /** The file itself has secrets in it, and not only references. */
    hasSecrets: boolean;
    /** The file, and the secrets and certificates that it names. */
    readFiles: readonly ReadFile[];
    server: ServerConfig;
    /** null: the admin is off. */
    admin: AdminConfig | null;
    metrics: MetricsConfig;
    alerts: AlertsConfig;
    network: NetworkConfig;
    upstreams: readonly UpstreamConfig[];
    keys: readonly KeyConfig[];
    teams: readonly TeamConfig[];
  }
>;

export type ServerConfig = Replace<
  Keys["server"],
  {
    /** Absolute; need not exist yet. */
    dataDir: string;
    /** Absolute paths of PEM files, and what was in them; null: plain HTTP. */
    tls: (CertificatePair & { readonly certFile: string; readonly keyFile: string }) | null;
  }
>;

/** `passwordHash`: an argon2id PHC string. */
type AdminConfig = Replace<Omit<NonNullable<Keys["admin"]>, "password">, { passwordHash: string }>;

/** `keySha256`: SHA-256 of the key in lower-case hex; null when no key is set. */
type MetricsConfig = Replace<Omit<Keys["metrics"], "key">, { keySha256: string | null }>;

export type AlertsConfig = Replace<
  Keys["alerts"],
  {
    /** The address itself, which is a secret: never log it, never show it. null: no alerts. */
    webhook: string | null;
    /** `whsec_` and base64; a secret as well. null: calls are not signed. */
    secret: string | null;
    channels: readonly AlertChannelConfig[];
  }
>;

/** The secrets themselves: never log one, never show one. */
export type AlertChannelConfig = Replace<
  Keys["alerts"]["channels"][number],
  Record<(typeof CHANNEL_SECRETS)[number], string | null>
>;

export type UpstreamConfig = Replace<
  UpstreamKeys,
  {
    /** The way to the upstream where no credential has one of its own. */
    via: Via;
    credentials: readonly CredentialConfig[];
  }
>;

export type CredentialConfig = Replace<
  CredentialKeys,
  {
    /** The secret itself: never log it, never show it. */
    apiKey: string;
    /** The way of all calls with this credential. */
    via: Via;
  }
>;

export type ModelConfig = Keys["models"][number];

/** An entry of `[[traits]]`; null: the entry does not mention the trait. */
export type TraitsConfig = Keys["traits"][number];
