/** The dialects in which an upstream, or a model of it, is spoken to. */
import type { DialectName } from "../dialects/dialect.ts";
import type { Family } from "./family.ts";
import type { ServerProfile } from "./profile.ts";

export interface Spoken {
  readonly dialects: ReadonlySet<DialectName>;
  /**
   * The dialects that a translated request may be sent in, the preferred one first: those that are listed, or
   * that the server is known to speak.
   */
  readonly translatedTo: readonly [DialectName, ...DialectName[]];
  /** The dialect that a request to count tokens is translated to; null: the gateway estimates. */
  readonly countDialect: DialectName | null;
}

/** `listed`: the dialects in the upstream's configuration; null: none are. */
export function spokenBy(
  family: Pick<Family, "dialects">,
  { translatedTo, spoken, countDialect }: ServerProfile,
  listed: readonly DialectName[] | null,
): Spoken {
  const dialects = new Set(listed ?? spoken ?? family.dialects);
  return {
    dialects,
    // The schema lets no empty list through.
    translatedTo: (listed ?? translatedTo) as Spoken["translatedTo"],
    countDialect: countDialect !== null && dialects.has(countDialect) ? countDialect : null,
  };
}

/** How each model is spoken to, where a model has one dialect and the upstream several. */
export function spokenByModel(
  { dialects, dialectOf }: Pick<Family, "dialects" | "dialectOf">,
  whole: Spoken,
): (model: string) => Spoken {
  if (dialectOf === undefined) return () => whole;
  const ofDialect = new Map(
    dialects.map((dialect) => [
      dialect,
      { dialects: new Set([dialect]), translatedTo: [dialect] as const, countDialect: dialect },
    ]),
  );
  return (model) => ofDialect.get(dialectOf(model)) ?? whole;
}
