/** The repairs of a translated request: what its encoder heeds, and the edits of what it wrote. */
import type { JsonObject } from "../core/json.ts";
import type { EncodedRequest } from "../dialects/codec.ts";
import type { DialectName } from "../dialects/dialect.ts";
import { DIALECTS } from "../dialects/index.ts";
import {
  type EncodeRepairs,
  hasKind,
  type RepairKind,
  type Repairs,
  repairBody,
} from "../dialects/repair.ts";
import type { Drop, Parameter, Sampling } from "../neutral/request.ts";
import type { ModelTraits } from "../neutral/traits.ts";
import type { Answered } from "../upstreams/refusals/learned-repairs.ts";
import type { TranslatedRequest } from "./translated-request.ts";

const NOTHING_REPAIRED: readonly Answered[] = [];
const NOTHING_HEEDED: EncodeRepairs = { withoutSeals: false, systemFirst: false, returnReasoning: false };

/** Repairs that the encoder makes instead of an edit of the body. */
const HEEDED: ReadonlySet<RepairKind> = new Set([
  "without-seals",
  "system-first",
  "schema-in-words",
  "watch-stops",
]);

export function heededBy(repairs: Repairs): EncodeRepairs {
  if (repairs.length === 0) return NOTHING_HEEDED;
  return {
    withoutSeals: hasKind(repairs, "without-seals"),
    systemFirst: hasKind(repairs, "system-first"),
    returnReasoning: hasKind(repairs, "return-reasoning"),
  };
}

/** The traits without those that the model does not have, as its refusals say. */
export function repairedTraits(traits: ModelTraits, repairs: Repairs): ModelTraits {
  if (repairs.length === 0) return traits;
  return {
    ...traits,
    structuredOutput: traits.structuredOutput && !hasKind(repairs, "schema-in-words"),
    stop: traits.stop && !hasKind(repairs, "watch-stops"),
  };
}

/** The client's parameters that only some servers have, and that a repair has left out of the body. */
function lostExtras({ extra }: Sampling, body: JsonObject, dropped: readonly Drop[]): readonly Drop[] {
  return (extra ?? []).flatMap(({ name, at }): Drop[] => {
    if (Object.hasOwn(body, name) || dropped.some(({ field }) => field === at)) return [];
    return [{ field: at, reason: "left out, because the upstream refuses it" }];
  });
}

/**
 * The encoded request with the repairs that its encoder does not heed. `fieldName`: the client's name of a
 * parameter; null: the client's dialect has none, so that the client cannot miss it.
 */
export function repairEncoded(
  { body, dropped }: EncodedRequest,
  {
    dialect,
    repairs,
    sampling,
  }: { readonly dialect: DialectName; readonly repairs: Repairs; readonly sampling: Sampling },
  fieldName: (parameter: Parameter) => string | null,
): Pick<EncodedRequest, "body" | "dropped"> & Pick<TranslatedRequest, "repaired"> {
  if (repairs.length === 0) return { body, dropped, repaired: NOTHING_REPAIRED };
  const edits = repairs.filter(({ kind }) => !HEEDED.has(kind));
  const edited = repairBody(DIALECTS[dialect].repairs, body, edits);
  const heeded = repairs.filter(({ kind }) => HEEDED.has(kind));
  const repaired: Answered[] = heeded.map((repair) => ({ repair, isClients: true }));
  const lost: Drop[] = [];
  for (const { repair, edit } of edited.changes) {
    const { parameter, reason } = edit;
    repaired.push({ repair, isClients: parameter !== null && fieldName(parameter) !== null });
    if (parameter !== null) lost.push({ field: parameter, reason });
  }
  const all = [...dropped, ...lost];
  return { body: edited.body, dropped: [...all, ...lostExtras(sampling, edited.body, all)], repaired };
}
