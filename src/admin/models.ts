/** What a client can ask for and where it goes. */
import type { Target } from "../plan/plan.ts";
import type { CredentialStatus } from "../pool/credential.ts";
import type { Snapshot } from "../snapshot.ts";
import type { AdminContext } from "./context.ts";
import type { ReplyOf } from "./contract.ts";
import type { Handlers } from "./handler.ts";

type Model = ReplyOf<"listModels">["models"][number];
type ShownTarget = Model["targets"][number];

export function makeModelHandlers(context: AdminContext): Pick<Handlers, "listModels" | "explain"> {
  return {
    async listModels() {
      const listed = await context.listedModels();
      const snapshot = context.snapshot();
      const credentials = Map.groupBy(context.pool.list(), ({ upstream }) => upstream);
      const shownTarget = (target: Target): ShownTarget => show(context, snapshot, credentials, target);
      const names = snapshot.config.models.map(({ name }) => name);
      const known = new Set(names);
      return {
        models: [
          ...names.map((name) => modelOf(snapshot, name, "entry", shownTarget)),
          ...listed
            .filter((name) => !known.has(name))
            .map((name) => modelOf(snapshot, name, "listed", shownTarget)),
        ],
      };
    },
    async explain({ body: { path, body, key } }) {
      const explained = await context.explain({ path, body, headers: {} }, key ?? null);
      return explained as Record<string, unknown>;
    },
  };
}

function modelOf(
  snapshot: Snapshot,
  name: string,
  from: Model["from"],
  shown: (target: Target) => ShownTarget,
): Model {
  // The targets of a pattern are those of its own name, with its stars.
  const plan = snapshot.plan(name);
  if (!("targets" in plan)) return { name, from, targets: [], overflow: [], refusal: [] };
  return {
    name,
    from,
    targets: plan.targets.map(shown),
    overflow: plan.detours?.overflow.map(shown) ?? [],
    refusal: plan.detours?.refusal.map(shown) ?? [],
  };
}

function show(
  { priceOf }: AdminContext,
  { upstreams, modelTraits }: Snapshot,
  credentials: ReadonlyMap<string, readonly CredentialStatus[]>,
  { upstream, model, weight = 1 }: Target,
): ShownTarget {
  const own = credentials.get(upstream) ?? [];
  const view = upstreams.get(upstream);
  const traits =
    view === undefined ? null : modelTraits.traitsOf(view, view.spokenTo(model).translatedTo[0], model);
  const { image, pdf, audio, video } = traits?.input ?? {
    image: false,
    pdf: false,
    audio: false,
    video: false,
  };
  return {
    upstream,
    model,
    weight,
    readyCredentials: own.filter(({ state }) => state === "ready").length,
    credentials: own.length,
    price: priceOf(upstream, model),
    abilities: {
      contextTokens: traits?.contextTokens ?? null,
      maxOutputTokens: traits?.maxOutputTokens ?? null,
      thinking: traits !== null && traits.thinking.kind !== "none",
      image,
      pdf,
      audio,
      video,
      structuredOutput: traits?.structuredOutput ?? false,
    },
  };
}
