/**
 * The objects at a provider that a request names: each belongs to the key that made it. Another key gets what the provider
 * says of an object that does not exist, so nobody learns which ids there are.
 */
import type { Principal } from "../../auth/keys.ts";
import type { ForeignState } from "../../config/client-keys.ts";
import { GatewayError } from "../../core/errors.ts";
import type { DialectName, Peek } from "../../dialects/dialect.ts";
import type { Route } from "../../dialects/endpoint.ts";
import { DIALECTS } from "../../dialects/index.ts";
import { isMadeHere, type ProviderId, type ProviderIdKind } from "../../dialects/shared/provider-id-plan.ts";
import { MAX_PROVIDER_IDS, mayNameObjects, providerIdsIn } from "../../dialects/shared/provider-ids.ts";
import type { StateId } from "../../store/state.ts";
import type { Gateway } from "../gateway.ts";
import type { PlannedRequest } from "../plan-request.ts";

/** What a request names. */
export interface NamedState {
  /** The credential that holds the first object of the request; null: none is known. */
  readonly sticky: StateId | null;
  readonly ids: readonly string[];
  /** Upstreams with an object of another key under one of these ids: the request must not go there. */
  readonly closed: ReadonlySet<string>;
}

const NONE: readonly ProviderId[] = [];
const MAX_SHOWN_CHARS = 200;
const NOTHING: NamedState = { sticky: null, ids: [], closed: new Set() };

/** Throws the client's error for an object of another key, or whose maker is not known where that is refused. */
export function findNamedState(
  gateway: Pick<Gateway, "findState" | "snapshot">,
  route: Route,
  body: Uint8Array | null,
  peek: Peek | null,
  principal: Principal,
): NamedState {
  const named = idsOf(route, body, peek, gateway.snapshot.keepsKeysApart);
  return named.length === 0 ? NOTHING : stateOf(gateway, route, principal, named);
}

function stateOf(
  gateway: Pick<Gateway, "findState" | "snapshot">,
  route: Route,
  principal: Principal,
  named: readonly ProviderId[],
): NamedState {
  let sticky: StateId | null = null;
  const closed = new Set<string>();
  for (const one of named) {
    const held = gateway.findState(one.id);
    const own = held.find(({ owner }) => owner === null || owner === principal.id);
    if (own === undefined && (held.length > 0 || isRefused(gateway, principal, one.kind)))
      throw notFound(route.dialect, one);
    sticky ??= own ?? null;
    for (const { owner, upstream } of held)
      if (owner !== null && owner !== principal.id) closed.add(upstream);
  }
  return { sticky, ids: named.map(({ id }) => id), closed };
}

/** Throws as above where the plan leads to no other upstream than one that holds another key's object. */
export function openTargets(planned: PlannedRequest, named: NamedState, route: Route): PlannedRequest {
  return named.closed.size === 0 ? planned : withoutClosed(planned, named, route);
}

function withoutClosed(
  planned: PlannedRequest,
  { closed, sticky, ids }: NamedState,
  route: Route,
): PlannedRequest {
  const isOpen = ({ upstream }: { readonly upstream: string }): boolean =>
    !closed.has(upstream) || upstream === sticky?.upstream;
  const targets = planned.targets.filter(isOpen);
  if (targets.length === 0)
    throw notFound(route.dialect, { kind: "response", id: ids[0] ?? "", field: "id" });
  const { detours } = planned;
  return {
    ...planned,
    targets,
    detours: detours && {
      overflow: detours.overflow.filter(isOpen),
      refusal: detours.refusal.filter(isOpen),
    },
  };
}

/** `isSearched`: not only the member that says where the request goes, but each that names an object. */
function idsOf(
  { dialect, stateId, path, pathModel }: Route,
  body: Uint8Array | null,
  peek: Peek | null,
  isSearched: boolean,
): readonly ProviderId[] {
  if (stateId !== null) return [{ kind: "response", id: stateId, field: "id" }];
  const first: readonly ProviderId[] =
    peek === null || peek.stateId === null || peek.stateField === null
      ? NONE
      : [{ kind: kindOf(dialect, peek.stateField), id: peek.stateId, field: peek.stateField }];
  const mayNameMore = isSearched && body !== null && (peek === null || mayNameObjects(peek.words, body));
  const found = mayNameMore ? providerIdsIn(DIALECTS[dialect].providerIds, body) : NONE;
  if (found === null)
    throw new GatewayError(
      "bad_request",
      `the request names more than ${MAX_PROVIDER_IDS} objects that are stored at the provider; name fewer`,
    );
  const tuned: readonly ProviderId[] =
    pathModel !== null && path.endsWith("/tunedModels/")
      ? [{ kind: "tuned model", id: pathModel, field: "model" }]
      : NONE;
  const others = first[0] === undefined ? found : without(found, first[0]);
  return tuned.length === 0 && others.length === 0 ? first : [...first, ...others, ...tuned];
}

function without(found: readonly ProviderId[], one: ProviderId): readonly ProviderId[] {
  return found.filter(({ id }) => id !== one.id);
}

function kindOf(dialect: DialectName, field: string): ProviderIdKind {
  return DIALECTS[dialect].providerIds.kinds.get(field) ?? "response";
}

/** Whether the key gets no object of this kind whose maker is not known. */
function isRefused(
  { snapshot }: Pick<Gateway, "snapshot">,
  { foreignState }: Principal,
  kind: ProviderIdKind,
): boolean {
  const written: ForeignState | null = foreignState ?? snapshot.config.server.foreignState;
  if (written !== null) return written === "refuse";
  return snapshot.keepsKeysApart && isMadeHere(kind);
}

/** In the words of the provider. */
function notFound(dialect: DialectName, object: ProviderId): GatewayError {
  return DIALECTS[dialect].providerIds.unknown({ ...object, id: object.id.slice(0, MAX_SHOWN_CHARS) });
}
