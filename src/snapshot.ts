/**
 * A frozen view of the configuration, ready for the hot path: keys by digest, the planner, upstreams with
 * their credentials. A changed configuration gets a new snapshot; a request keeps the snapshot that it
 * started with.
 */

import { isAdminKey } from "./auth/admin-key.ts";
import { type KeyRing, makeKeyRing } from "./auth/keys.ts";
import type { CacheMode, KeyConfig } from "./config/client-keys.ts";
import type { Config, CredentialConfig, UpstreamConfig } from "./config/config.ts";
import type { Via } from "./config/network/via.ts";
import { SERVER_BASE_URLS } from "./config/upstreams/servers.ts";
import { sha256Hex } from "./core/hash.ts";
import type { HeaderView } from "./core/header-view.ts";
import { makePlanner, type Plan } from "./plan/plan.ts";
import type { CredentialSpec } from "./pool/credential.ts";
import { limitsOf } from "./pool/limits-of.ts";
import { PriceBook, type ProviderPlace } from "./prices/price-book.ts";
import { NO_PRICES, type PriceList } from "./prices/price-list.ts";
import { makePriceOverrides } from "./prices/price-overrides.ts";
import { type CredentialAccess, makeCredentialAccess, showLogin } from "./upstreams/authorization.ts";
import type { Family, Server } from "./upstreams/family.ts";
import { type FixedMembers, makeFixedMembers, secretsOf } from "./upstreams/fixed-members/fixed-members.ts";
import { FAMILIES, type Families } from "./upstreams/index.ts";
import { type ModelTraitsTable, makeModelTraitsTable } from "./upstreams/model-traits/model-traits-table.ts";
import { makeTraitsOverride } from "./upstreams/model-traits/traits-override.ts";
import { makeReplyHeaderFilter } from "./upstreams/pass-headers.ts";
import { type Spoken, spokenBy, spokenByModel } from "./upstreams/spoken.ts";
import { UrlMemo } from "./upstreams/url-memo.ts";

export interface CredentialView {
  /** `upstream/name`. */
  readonly id: string;
  readonly name: string;
  /** Holds the secret: never log it, never show it. */
  readonly access: CredentialAccess;
  /** The way of all calls with the credential. */
  readonly via: Via;
  /** The upstream's, unless the family gives each credential a place of its own. */
  readonly baseUrl: string;
  readonly urls: UrlMemo;
  /** Where the credential's calls are charged; null: the price list has no provider there. */
  readonly place: ProviderPlace | null;
}

/** An upstream of the configuration with its server; keys that need no preparation are as configured. */
export interface UpstreamView
  extends Server,
    Omit<UpstreamConfig, "family" | "baseUrl" | "dialects" | "credentials" | "headers" | "query" | "body"> {
  readonly family: Family;
  /** What each request has, whoever asks; null: nothing. */
  readonly fixed: FixedMembers | null;
  /** The dialects in which a model is spoken to. `model`: the upstream's name. */
  readonly spokenTo: (model: string) => Spoken;
  /** For a request without a credential's place. */
  readonly urls: UrlMemo;
  /** The provider of the price list at the base URL; null: the list has none there. */
  readonly place: ProviderPlace | null;
  /** The region that a call may be charged for, whichever credential it gets; null: none. */
  readonly priceRegion: string | null;
  /** By id. */
  readonly credentials: ReadonlyMap<string, CredentialView>;
}

type ReplyHeaderFilter = (upstream: HeaderView, requestId: string) => Record<string, string>;

export interface Snapshot {
  readonly config: Config;
  readonly keys: KeyRing;
  readonly plan: (model: string) => Plan;
  readonly modelTraits: ModelTraitsTable;
  readonly prices: PriceBook;
  /** By name, in the order of the configuration. */
  readonly upstreams: ReadonlyMap<string, UpstreamView>;
  readonly credentialSpecs: readonly CredentialSpec[];
  /** Several keys may have objects at providers, or it is written what becomes of those whose maker is not known. */
  readonly keepsKeysApart: boolean;
  /** The response cache is on for some key or model, or some client may ask for it. */
  readonly usesCache: boolean;
  readonly filterReplyHeaders: ReplyHeaderFilter;
  /** For replies to a caller's own login, whose account is the caller's. */
  readonly filterCallersReplyHeaders: ReplyHeaderFilter;
}

export interface SnapshotOptions {
  /** Absent: no model has a listed price, which is enough where no request is recorded. */
  readonly prices?: PriceList;
  /** Those of the file and of the database; absent: those of the file. */
  readonly keys?: readonly KeyConfig[];
  /** For tests. */
  readonly families?: Families;
}

export function makeSnapshot(
  config: Config,
  { prices = NO_PRICES, keys = config.keys, families = FAMILIES }: SnapshotOptions = {},
): Snapshot {
  const book = new PriceBook(prices, makePriceOverrides(config.prices));
  const upstreams = config.upstreams.map((upstream) =>
    makeUpstreamView(upstream, families[upstream.family], book),
  );
  return Object.freeze({
    config,
    keys: makeKeyRing(keys, config.teams),
    plan: makePlanner({ models: config.models, upstreams, simulatorPort: config.simulator.port }),
    modelTraits: makeModelTraitsTable(config.traits.map(makeTraitsOverride)),
    prices: book,
    upstreams: new Map(upstreams.map((view) => [view.name, view])),
    credentialSpecs: config.upstreams.flatMap((upstream, i) =>
      makeCredentialSpecs(upstream, upstreams[i] as UpstreamView, config.limits),
    ),
    keepsKeysApart: keepsKeysApart(config, keys),
    usesCache: usesCache(config, keys),
    filterReplyHeaders: makeReplyHeaderFilter(config.server.forwardUpstreamHeaders),
    filterCallersReplyHeaders: makeReplyHeaderFilter(true),
  });
}

/** The same view with other keys. */
export function withKeys(snapshot: Snapshot, keys: readonly KeyConfig[]): Snapshot {
  const { config } = snapshot;
  const ring = makeKeyRing(keys, config.teams);
  return Object.freeze({
    ...snapshot,
    keys: ring,
    keepsKeysApart: keepsKeysApart(config, keys),
    usesCache: usesCache(config, keys),
  });
}

function keepsKeysApart({ server }: Config, keys: readonly KeyConfig[]): boolean {
  const clients = new Set(keys.filter((key) => !isAdminKey(key)).map(({ name }) => name));
  return (
    clients.size > 1 || server.foreignState !== null || keys.some(({ foreignState }) => foreignState !== null)
  );
}

function usesCache({ cache, models }: Config, keys: readonly KeyConfig[]): boolean {
  const isOn = (mode: CacheMode | null): boolean => mode !== null && mode !== "off";
  if (cache.memoryBytes === 0) return false;
  return (
    models.some((model) => isOn(model.cache)) || keys.some((key) => isOn(key.cache) || key.mayAskForCache)
  );
}

function makeUpstreamView(config: UpstreamConfig, family: Family, book: PriceBook): UpstreamView {
  // A named server has the base URL and the prices of its makers, unless another host stands before it.
  const home = config.server === null ? null : SERVER_BASE_URLS[config.server];
  const baseUrl = config.baseUrl ?? home ?? family.defaultBaseUrl;
  const profile = family.profileOf(baseUrl, config.server);
  const { dialects, headers, query, body, ...rest } = config;
  const urls = new UrlMemo(family, { baseUrl, profile });
  const place = book.providerAt(baseUrl) ?? (home === null ? null : book.providerAt(home));
  const placeOf = (credential: CredentialConfig): Place => {
    const own = family.baseUrlOf?.(config.baseUrl, credential) ?? baseUrl;
    const region = family.priceRegionOf?.(credential);
    return {
      baseUrl: own,
      urls: own === baseUrl ? urls : new UrlMemo(family, { baseUrl: own, profile }),
      place: place === null || region === undefined ? place : { ...place, region },
    };
  };
  const credentials = credentialsOf(config, family, placeOf, { baseUrl, urls, place });
  return Object.freeze({
    ...rest,
    family,
    fixed: makeFixedMembers({ headers, query, body }),
    baseUrl,
    spokenTo: spokenByModel(family, spokenBy(family, profile, dialects)),
    profile,
    urls,
    place,
    priceRegion:
      credentials.find((credential) => credential.place?.region)?.place?.region ?? place?.region ?? null,
    credentials: new Map(credentials.map((credential) => [credential.id, Object.freeze(credential)])),
  });
}

/** Where calls with a credential are charged. `credential`: its name; of one that is gone, the upstream's place holds. */
export function billedPlace(
  upstream: UpstreamView | undefined,
  credential: string | null,
): ProviderPlace | null {
  if (upstream === undefined) return null;
  const own =
    credential === null ? undefined : upstream.credentials.get(credentialId(upstream.name, credential));
  return own === undefined ? upstream.place : own.place;
}

type Place = Pick<CredentialView, "baseUrl" | "urls" | "place">;

function credentialsOf(
  config: UpstreamConfig,
  { authorization }: Family,
  placeOf: (credential: CredentialConfig) => Place,
  placeOfUpstream: Place,
): CredentialView[] {
  const own = config.credentials.map((credential) => ({
    id: credentialId(config.name, credential.name),
    name: credential.name,
    access: makeCredentialAccess(authorization, credential.apiKey, secretsOf(config)),
    via: credential.via,
    ...placeOf(credential),
  }));
  if (!config.callerCredentials) return own;
  const { name, via } = config;
  const id = credentialId(name, CALLERS_OWN);
  return [{ id, name: CALLERS_OWN, access: showLogin(NO_LOGIN), via, ...placeOfUpstream }];
}

function makeCredentialSpecs(
  upstream: UpstreamConfig,
  { profile }: UpstreamView,
  { unpriced }: Config["limits"],
): CredentialSpec[] {
  if (upstream.callerCredentials) {
    const id = credentialId(upstream.name, CALLERS_OWN);
    const scope = "credential";
    const none = { priority: 0, scope, fingerprint: "", isOfCallers: true } as const;
    return [{ id, upstream: upstream.name, name: CALLERS_OWN, ...none }];
  }
  return upstream.credentials.map((credential) => ({
    id: credentialId(upstream.name, credential.name),
    upstream: upstream.name,
    name: credential.name,
    priority: credential.priority,
    scope: credential.scope ?? profile.rateScope,
    fingerprint: fingerprintOf(credential.apiKey),
    weight: credential.weight,
    limits: limitsOf(credential, unpriced),
  }));
}

/** The name, in lists and rows, of the one credential of an upstream with `caller_credentials`. The pool never parks it. */
const CALLERS_OWN = "caller's own";
const NO_LOGIN = { lines: [], secrets: [] };

/** Unique over all upstreams. */
export function credentialId(upstream: string, name: string): string {
  return `${upstream}/${name}`;
}

/** Shows whether a secret has changed, without showing the secret. */
export function fingerprintOf(apiKey: string): string {
  return sha256Hex(apiKey).slice(0, 16);
}
