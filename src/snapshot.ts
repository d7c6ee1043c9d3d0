/**
 * One frozen view of the configuration, made ready for the hot path: keys by digest, the planner, upstreams with their credentials.
 * A change of the configuration builds a new one and swaps it; requests that run keep the one they started with.
 */
import { createHash } from "node:crypto";
import { type KeyRing, makeKeyRing } from "./auth/keys.ts";
import type { Config, UpstreamConfig } from "./config/config.ts";
import type { HeaderView } from "./core/header-view.ts";
import type { DialectName } from "./dialects/dialect.ts";
import { makePlanner, type Plan } from "./plan/plan.ts";
import type { CredentialSpec } from "./pool/credential.ts";
import { type CredentialAccess, makeCredentialAccess } from "./upstreams/authorization.ts";
import type { Family, Server } from "./upstreams/family.ts";
import { FAMILIES, type Families } from "./upstreams/index.ts";
import { type ModelTraitsTable, makeModelTraitsTable } from "./upstreams/model-traits-table.ts";
import { makeReplyHeaderFilter } from "./upstreams/pass-headers.ts";
import { makeTraitsOverride } from "./upstreams/traits-override.ts";

export interface CredentialView {
  /** `upstream/name`. */
  readonly id: string;
  readonly name: string;
  /** Holds the secret: never log it, never show it. */
  readonly access: CredentialAccess;
}

export interface UpstreamView extends Server {
  readonly name: string;
  readonly family: Family;
  readonly dialects: ReadonlySet<DialectName>;
  /** What it is spoken to in where a request has to be translated. */
  readonly preferredDialect: DialectName;
  /** The dialect to translate a request in that counts input tokens; null: the gateway estimates. */
  readonly countDialect: DialectName | null;
  readonly injectUsage: boolean;
  readonly connectTimeoutMs: number;
  readonly firstByteTimeoutMs: number;
  readonly idleTimeoutMs: number;
  /** By id. */
  readonly credentials: ReadonlyMap<string, CredentialView>;
}

export interface Snapshot {
  readonly config: Config;
  readonly keys: KeyRing;
  readonly plan: (model: string) => Plan;
  /** What the upstreams' models can. */
  readonly modelTraits: ModelTraitsTable;
  /** By name, in config order. */
  readonly upstreams: ReadonlyMap<string, UpstreamView>;
  readonly credentialSpecs: readonly CredentialSpec[];
  readonly filterReplyHeaders: (upstream: HeaderView, requestId: string) => Record<string, string>;
}

/** Builds the view of a configuration that has been validated. */
export function makeSnapshot(config: Config, families: Families = FAMILIES): Snapshot {
  const upstreams = config.upstreams.map((upstream) => makeUpstreamView(upstream, families[upstream.family]));
  return Object.freeze({
    config,
    keys: makeKeyRing(config.keys),
    plan: makePlanner({ models: config.models, upstreams }),
    modelTraits: makeModelTraitsTable(config.traits.map(makeTraitsOverride)),
    upstreams: new Map(upstreams.map((view) => [view.name, view])),
    credentialSpecs: config.upstreams.flatMap((upstream, i) =>
      makeCredentialSpecs(upstream, upstreams[i] as UpstreamView),
    ),
    filterReplyHeaders: makeReplyHeaderFilter(config.server.forwardUpstreamHeaders),
  });
}

function makeUpstreamView(config: UpstreamConfig, family: Family): UpstreamView {
  const baseUrl = config.baseUrl ?? family.defaultBaseUrl;
  const profile = family.profileOf(baseUrl);
  const dialects = new Set<DialectName>(config.dialects ?? family.dialects);
  return Object.freeze({
    name: config.name,
    family,
    baseUrl,
    dialects,
    preferredDialect: config.dialects?.[0] ?? profile.preferredDialect,
    countDialect:
      profile.countDialect !== null && dialects.has(profile.countDialect) ? profile.countDialect : null,
    profile,
    injectUsage: config.injectUsage,
    connectTimeoutMs: config.connectTimeoutMs,
    firstByteTimeoutMs: config.firstByteTimeoutMs,
    idleTimeoutMs: config.idleTimeoutMs,
    credentials: new Map(
      config.credentials.map((credential) => [
        credentialId(config.name, credential.name),
        Object.freeze({
          id: credentialId(config.name, credential.name),
          name: credential.name,
          access: makeCredentialAccess(family.authorization, credential.apiKey),
        }),
      ]),
    ),
  });
}

function makeCredentialSpecs(upstream: UpstreamConfig, { profile }: UpstreamView): CredentialSpec[] {
  return upstream.credentials.map((credential) => ({
    id: credentialId(upstream.name, credential.name),
    upstream: upstream.name,
    name: credential.name,
    priority: credential.priority,
    scope: credential.scope ?? profile.rateScope,
    fingerprint: fingerprintOf(credential.apiKey),
  }));
}

/** Names a credential over all upstreams. */
export function credentialId(upstream: string, name: string): string {
  return `${upstream}/${name}`;
}

/** Tells a changed secret from the same one, without showing it. */
export function fingerprintOf(apiKey: string): string {
  return createHash("sha256").update(apiKey).digest("hex").slice(0, 16);
}
