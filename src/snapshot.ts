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
import type { CredentialSpec } from "./pool/pool.ts";
import type { Family } from "./upstreams/family.ts";
import { FAMILIES } from "./upstreams/index.ts";
import { type Knowledge, makeKnowledge } from "./upstreams/knowledge.ts";
import { makeReplyHeaderFilter } from "./upstreams/pass-headers.ts";
import { makeTraitsOverride } from "./upstreams/traits-override.ts";

export interface CredentialView {
  /** `upstream/name`. */
  readonly id: string;
  readonly name: string;
  /** The header that shows the credential: secret. */
  readonly authHeader: readonly [name: string, value: string];
}

export interface UpstreamView {
  readonly name: string;
  readonly family: Family;
  readonly baseUrl: string;
  readonly dialects: ReadonlySet<DialectName>;
  /** What it is spoken to in where a request has to be translated. */
  readonly preferredDialect: DialectName;
  /** OpenAI itself, or what the configuration says is to be spoken to like it, not just any compatible server. */
  readonly isOpenai: boolean;
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
  readonly knowledge: Knowledge;
  /** By name, in config order. */
  readonly upstreams: ReadonlyMap<string, UpstreamView>;
  readonly credentialSpecs: readonly CredentialSpec[];
  readonly filterReplyHeaders: (upstream: HeaderView, requestId: string) => Record<string, string>;
}

/** Builds the view of a configuration that has been validated. */
export function makeSnapshot(config: Config): Snapshot {
  return Object.freeze({
    config,
    keys: makeKeyRing(config.keys),
    plan: makePlanner(config),
    knowledge: makeKnowledge(config.traits.map(makeTraitsOverride)),
    upstreams: new Map(config.upstreams.map((upstream) => [upstream.name, makeUpstreamView(upstream)])),
    credentialSpecs: config.upstreams.flatMap(makeCredentialSpecs),
    filterReplyHeaders: makeReplyHeaderFilter(config.server.forwardUpstreamHeaders),
  });
}

function makeUpstreamView(config: UpstreamConfig): UpstreamView {
  const family = FAMILIES[config.family];
  return Object.freeze({
    name: config.name,
    family,
    baseUrl: config.baseUrl ?? family.defaultBaseUrl,
    dialects: new Set<DialectName>(config.dialects ?? family.dialects),
    preferredDialect: preferredDialect(config),
    isOpenai: config.family === "openai" && preferredDialect(config) === "openai-responses",
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
          authHeader: family.authHeader(credential.apiKey),
        }),
      ]),
    ),
  });
}

function preferredDialect({ family, baseUrl, dialects }: UpstreamConfig): DialectName {
  if (family === "anthropic") return "anthropic-messages";
  if (family === "gemini") return "gemini";
  // OpenAI itself has more on Responses; of compatible servers, all speak Chat and few speak Responses well.
  const isOpenAi = baseUrl === null || /(?:^|\.)api\.openai\.com$/.test(new URL(baseUrl).hostname);
  return dialects?.[0] ?? (isOpenAi ? "openai-responses" : "openai-chat");
}

function makeCredentialSpecs(upstream: UpstreamConfig): CredentialSpec[] {
  return upstream.credentials.map((credential) => ({
    id: credentialId(upstream.name, credential.name),
    upstream: upstream.name,
    name: credential.name,
    priority: credential.priority,
    scope: credential.scope,
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
