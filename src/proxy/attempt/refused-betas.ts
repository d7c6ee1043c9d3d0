/** Betas that a client opts in to by a header, and that the upstream does not know. */
import type { HeaderLines } from "../../core/header-view.ts";
import type { DialectName } from "../../dialects/dialect.ts";
import { DIALECTS } from "../../dialects/index.ts";
import type { Repair, Repairs } from "../../dialects/repair.ts";
import type { Drop } from "../../neutral/request.ts";
import type { TranslatedExchange } from "../../translate/request.ts";
import type { Answered } from "../../upstreams/refusals/learned-repairs.ts";

const REASON = "a beta was left out of the header, because the upstream refuses it";

/** The repairs among these that take a beta out of the client's request; none for a strict key or model. */
export function refusedBetas(
  { route, client, isStrict }: TranslatedExchange,
  repairs: Repairs,
): readonly Repair[] {
  const { betaHeader } = DIALECTS[route.dialect].repairs;
  const asked = betaHeader === null || isStrict ? null : client.headers.get(betaHeader);
  if (asked === null) return [];
  return repairs.filter((repair) => keptBetas(asked, [repair]) !== asked);
}

/** What the client is told of the betas that were left out. */
export function betaDrops(dialect: DialectName, refused: readonly Repair[]): readonly Drop[] {
  const { betaHeader } = DIALECTS[dialect].repairs;
  return betaHeader === null || refused.length === 0 ? [] : [{ field: betaHeader, reason: REASON }];
}

/** The lines without the betas that the repairs of the request left out. */
export function withoutRefusedBetas(
  lines: HeaderLines,
  dialect: DialectName,
  repaired: readonly Answered[],
): HeaderLines {
  const { betaHeader } = DIALECTS[dialect].repairs;
  const refused = repaired.map(({ repair }) => repair);
  if (betaHeader === null) return lines;
  return lines.flatMap((line) => {
    const [name, value] = line;
    if (name !== betaHeader) return [line];
    const kept = keptBetas(value, refused);
    return kept === "" ? [] : [[name, kept] as const];
  });
}

/** The list of a header without the values that the repairs name; "*" names all. */
function keptBetas(list: string, repairs: Repairs): string {
  const gone = new Set(repairs.flatMap(({ kind, member }) => (kind === "without-beta" ? [member] : [])));
  if (gone.has("*")) return "";
  const values = list.split(",").map((value) => value.trim());
  return values.some((value) => gone.has(value))
    ? values.filter((value) => !gone.has(value)).join(",")
    : list;
}
