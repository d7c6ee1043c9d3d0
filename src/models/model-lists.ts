/**
 * The list of models: the names in the configuration, and each upstream's own list, remembered for a while.
 */
import { GatewayError } from "../core/errors.ts";
import type { Dialect, DialectName, ModelEntry } from "../dialects/dialect.ts";
import { DIALECTS } from "../dialects/index.ts";
import type { ClientRequest } from "../http/client-request.ts";
import { replyWithError, requestIdHeaders } from "../http/error-reply.ts";
import { allowedTargets, isUpstreamAllowed, mayAsk, type Rights } from "../plan/rights.ts";
import { readLogin } from "../proxy/attempt/caller-login.ts";
import { sendOwnGet } from "../proxy/attempt/own-call.ts";
import type { Gateway } from "../proxy/gateway.ts";
import type { CredentialView, Snapshot, UpstreamView } from "../snapshot.ts";
import { headOf } from "../transport/call.ts";
import { readWhole } from "../transport/whole.ts";
import { type CallerLogin, showLogin } from "../upstreams/authorization.ts";
import { type ListedModel, parseModelList } from "../upstreams/model-list.ts";

const FRESH_MS = 5 * 60_000;
/** The time after a failure in which the upstream is not asked again. */
const RETRY_MS = 10_000;
/** An answer leaves out a list that takes longer: Claude Code gives up after three seconds. */
const WAIT_MS = 2_000;
const MAX_SILENCE_MS = 30_000;
const MAX_LIST_BYTES = 8 * 1024 * 1024;

/** Nobody is charged for a list. */
const NEED = {
  model: "",
  excluded: null,
  stickyTo: null,
  key: "",
  inputTokens: 0,
  outputTokens: 0,
  prefix: null,
} as const;

interface Remembered {
  readonly models: readonly ListedModel[];
  readonly untilMs: number;
}

/** What a key may use of these lists. */
interface MadeList {
  readonly snapshot: Snapshot;
  readonly lists: readonly (readonly ListedModel[])[];
  readonly models: readonly ModelEntry[];
}

export interface ModelLists {
  /** Answers `GET /v1/models` in the dialect's form, with the models that a key with these rights may use. */
  answerList(client: ClientRequest, dialect: DialectName, rights: Rights): Promise<Response>;
  /** Answers `GET /v1/models/{id}` in the dialect's form. `id` may leave out the upstream. */
  answerModel(
    id: string,
    dialect: DialectName,
    rights: Rights,
    client: Pick<ClientRequest, "headers" | "search">,
  ): Promise<Response>;
  /** The models in the upstreams' own lists, as `upstream/model`. */
  names(): Promise<readonly string[]>;
  /** Asks every upstream whose list is not fresh, and keeps the traits in it. Never throws; logs failures. */
  refresh(): Promise<void>;
}

export function makeModelLists(gateway: Gateway): ModelLists {
  const remembered = new WeakMap<UpstreamView, Remembered>();
  const asking = new WeakMap<UpstreamView, Promise<readonly ListedModel[]>>();
  /** By key: a list of thousands takes a tenth of a second, and any key may ask for it as often as it likes. */
  const made = new WeakMap<Rights, MadeList>();
  const newRequestId = (): string => gateway.ids.ulid(gateway.clock.nowMs());

  const modelsOf = ({ modelTraits }: Snapshot, upstream: UpstreamView): Promise<readonly ListedModel[]> => {
    const known = remembered.get(upstream);
    if (known !== undefined && known.untilMs > gateway.clock.monotonicMs())
      return Promise.resolve(known.models);
    const running = asking.get(upstream);
    if (running !== undefined) return running;
    const asked = ask(gateway, upstream, null)
      .then((models) => {
        for (const { id, traits } of models) modelTraits.learn(upstream, id, traits);
        remembered.set(upstream, { models, untilMs: gateway.clock.monotonicMs() + FRESH_MS });
        return models;
      })
      .catch((cause: unknown) => {
        gateway.log.warn(
          { upstream: upstream.name, error: cause instanceof Error ? cause.message : String(cause) },
          "the upstream's models could not be listed",
        );
        const models = known?.models ?? [];
        remembered.set(upstream, { models, untilMs: gateway.clock.monotonicMs() + RETRY_MS });
        return models;
      })
      .finally(() => asking.delete(upstream));
    asking.set(upstream, asked);
    return asked;
  };

  const all = async (
    snapshot: Snapshot,
    rights: Rights,
    client: Pick<ClientRequest, "headers" | "search"> | null,
  ): Promise<readonly ModelEntry[]> => {
    const { upstreams, login } = askable(snapshot, rights, client);
    const lists = await Promise.all(
      upstreams.map((upstream) => {
        if (upstream.callerCredentials && login !== null) return modelsOfLogin(gateway, upstream, login);
        return inTime(modelsOf(snapshot, upstream), () => {
          const models = remembered.get(upstream)?.models ?? [];
          // The next client does not wait for this list either: it is taken over when it arrives.
          remembered.set(upstream, { models, untilMs: gateway.clock.monotonicMs() + RETRY_MS });
          return models;
        });
      }),
    );
    const known = made.get(rights);
    if (known !== undefined && known.snapshot === snapshot && isSameList(known.lists, lists))
      return known.models;
    const models = entriesOf(snapshot, rights, upstreams, lists);
    made.set(rights, { snapshot, lists, models });
    return models;
  };

  return {
    async names() {
      const models = await all(gateway.snapshot, { modelGlobs: null, upstreams: null }, null);
      return models.filter(({ id, ownedBy }) => id.startsWith(`${ownedBy}/`)).map(({ id }) => id);
    },
    async refresh() {
      const { snapshot } = gateway;
      const upstreams = [...snapshot.upstreams.values()].filter(
        ({ callerCredentials }) => !callerCredentials,
      );
      await Promise.all(upstreams.map((upstream) => modelsOf(snapshot, upstream)));
    },
    async answerList(client, dialect, rights) {
      const models = await all(gateway.snapshot, rights, client);
      return json(renderPage(DIALECTS[dialect], models, client.search), newRequestId());
    },
    async answerModel(id, dialect, rights, client) {
      const models = await all(gateway.snapshot, rights, client);
      const found =
        models.find((model) => model.id === id) ?? models.find((model) => model.id.endsWith(`/${id}`));
      if (found !== undefined) return json(DIALECTS[dialect].renderModel({ ...found, id }), newRequestId());
      const error = new GatewayError(
        "model_not_found",
        `there is no model "${id.slice(0, 200)}"; GET /v1/models lists all`,
      );
      return replyWithError(dialect, error, newRequestId());
    },
  };
}

/** The upstreams that a key may use, and the caller's own login for those that take one: without a login they are left out. */
function askable(
  snapshot: Snapshot,
  rights: Rights,
  client: Pick<ClientRequest, "headers" | "search"> | null,
): { readonly upstreams: readonly UpstreamView[]; readonly login: CallerLogin | null } {
  const allowed = [...snapshot.upstreams.values()].filter(({ name }) => isUpstreamAllowed(rights, name));
  const takesLogin = allowed.some(({ callerCredentials }) => callerCredentials);
  const login = takesLogin && client !== null ? readLogin(snapshot.keys, client) : null;
  return {
    upstreams: allowed.filter(({ callerCredentials }) => !callerCredentials || login !== null),
    login,
  };
}

/** What a caller's own login may list is the caller's: it is asked for each time, and not kept. */
async function modelsOfLogin(
  gateway: Gateway,
  upstream: UpstreamView,
  login: CallerLogin,
): Promise<readonly ListedModel[]> {
  try {
    return await inTime(ask(gateway, upstream, login), () => []);
  } catch {
    return [];
  }
}

/**
 * The names by which a key may ask for a model of an upstream: the upstream's own, as clients know it, where it leads
 * there; those of `[[models]]` whose pattern does; and the one with the upstream before it, which always does.
 */
function namesFor(snapshot: Snapshot, rights: Rights, upstream: string, model: string): readonly string[] {
  const leadsThere = (name: string): boolean => {
    const plan = snapshot.plan(name);
    return (
      "targets" in plan &&
      allowedTargets(plan, name, rights).some((to) => to.upstream === upstream && to.model === model)
    );
  };
  const short = new Set([model, ...patternNames(snapshot, upstream, model)]);
  const id = `${upstream}/${model}`;
  const isAsked = rights.modelGlobs === null || mayAsk(snapshot.plan(id), id, rights);
  return [...[...short].filter(leadsThere), ...(isAsked ? [id] : [])];
}

/** The names that a pattern of `[[models]]` gives a model: `fast-*` with the target `up/gpt-*` makes `fast-5` of `gpt-5`. */
function patternNames({ config }: Snapshot, upstream: string, model: string): readonly string[] {
  const id = `${upstream}/${model}`;
  return config.models.flatMap(({ name, targets }) =>
    targets.flatMap((target) => {
      const [before = "", after] = target.split("*");
      const fits =
        after !== undefined &&
        name.endsWith("*") &&
        id.length > before.length + after.length &&
        id.startsWith(before) &&
        id.endsWith(after);
      return fits ? [`${name.slice(0, -1)}${id.slice(before.length, id.length - after.length)}`] : [];
    }),
  );
}

/** The models of the configuration and of these lists, of which each is an upstream's, that a key may use. */
function entriesOf(
  snapshot: Snapshot,
  rights: Rights,
  upstreams: readonly UpstreamView[],
  lists: MadeList["lists"],
): readonly ModelEntry[] {
  const own = snapshot.config.models
    .filter(({ name }) => !name.endsWith("*") && mayAsk(snapshot.plan(name), name, rights))
    .map((model) => ({ id: model.name, ownedBy: "clewline", createdAtS: 0 }));
  const theirs = upstreams.flatMap(({ name }, i) =>
    (lists[i] ?? []).flatMap(({ id: model, createdAtS }) =>
      namesFor(snapshot, rights, name, model).map((id) => ({ id, ownedBy: name, createdAtS })),
    ),
  );
  return withoutRepeats([...own, ...theirs]);
}

function isSameList(some: readonly unknown[], others: readonly unknown[]): boolean {
  return some.length === others.length && some.every((one, n) => one === others[n]);
}

/** Several upstreams may have the model of one name. */
function withoutRepeats(models: readonly ModelEntry[]): readonly ModelEntry[] {
  return [...new Map(models.toReversed().map((model) => [model.id, model])).values()].toReversed();
}

/** The page by the dialect's parameters: a limit, and the id of the last entry that the client has. */
function renderPage(dialect: Dialect, models: readonly ModelEntry[], search: string): string {
  const query = new URLSearchParams(search);
  const limit = Number(query.get(dialect.pageParameters.limit) ?? Number.NaN);
  const after = query.get(dialect.pageParameters.after) ?? undefined;
  return dialect.renderModels(models, Number.isInteger(limit) && limit > 0 ? limit : undefined, after);
}

function json(body: string, requestId: string): Response {
  return new Response(body, {
    headers: { "content-type": "application/json", ...requestIdHeaders(requestId) },
  });
}

async function inTime(
  list: Promise<readonly ListedModel[]>,
  whenLate: () => readonly ListedModel[],
): Promise<readonly ListedModel[]> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<readonly ListedModel[]>((resolve) => {
    timer = setTimeout(() => resolve(whenLate()), WAIT_MS);
  });
  try {
    return await Promise.race([list, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** `login`: the caller's own; null: a credential of the upstream is leased. */
async function ask(
  gateway: Gateway,
  upstream: UpstreamView,
  login: CallerLogin | null,
): Promise<readonly ListedModel[]> {
  const leased = gateway.pool.lease({ ...NEED, upstream: upstream.name });
  if ("unavailable" in leased) throw new Error("no credential is ready");
  try {
    const leasedView = upstream.credentials.get(leased.lease.credentialId);
    if (leasedView === undefined) throw new Error("the credential is gone from the configuration");
    const credential = login === null ? leasedView : { ...leasedView, access: showLogin(login) };
    const { modelLists } = upstream.family;
    const lists = await Promise.all(
      modelLists.map((path) =>
        askList(gateway, upstream, credential, credential.urls.urlOf(path, "", false)),
      ),
    );
    return lists.flat();
  } finally {
    gateway.pool.release(leased.lease);
  }
}

async function askList(
  gateway: Gateway,
  upstream: UpstreamView,
  credential: CredentialView,
  url: string,
): Promise<readonly ListedModel[]> {
  const call = sendOwnGet(gateway, upstream, credential, url, MAX_SILENCE_MS);
  const head = await headOf(call).catch((cause: unknown) => {
    if (cause instanceof GatewayError && cause.kind === "upstream_connect")
      gateway.reach.failed(upstream.name, cause.message);
    throw cause;
  });
  gateway.reach.reached(upstream.name);
  const { bytes, isWhole, error } = await readWhole(call, MAX_LIST_BYTES);
  if (error !== null) throw error;
  if (!isWhole) {
    call.abort(new GatewayError("upstream_garbage", "the list is too long"));
    throw new Error("the list is too long");
  }
  if (head.status !== 200) throw new Error(`status ${head.status}`);
  return parseModelList(new TextDecoder().decode(bytes));
}
