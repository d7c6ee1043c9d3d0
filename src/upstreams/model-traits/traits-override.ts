/** From an entry of `[[traits]]` to the traits that it replaces. */
import type { TraitsConfig } from "../../config/config.ts";
import type { ModelTraits, ThinkingTraits } from "../../neutral/traits.ts";

/** Some of a model's traits; the others stay as they are. */
export type PartialTraits = Partial<Omit<ModelTraits, "thinking" | "input">> & {
  readonly thinking?: Partial<ThinkingTraits>;
  readonly input?: Partial<ModelTraits["input"]>;
};

/** Traits that the operator knows better than Clewline's table and the provider's list. */
export interface TraitsOverride {
  /** The upstream's name for the model; may end in `*`. */
  readonly match: string;
  readonly traits: PartialTraits;
}

/** The override that an entry asks for. */
export function makeTraitsOverride(config: TraitsConfig): TraitsOverride {
  const {
    match,
    thinking: kind,
    efforts,
    minBudgetTokens,
    maxBudgetTokens,
    canDisableThinking: canDisable,
    thinksByDefault: isOnByDefault,
    image,
    pdf,
    audio,
    video,
    ...others
  } = config;
  const thinking = given({ kind, efforts, minBudgetTokens, maxBudgetTokens, canDisable, isOnByDefault });
  const input = given({ image, pdf, audio, video });
  return {
    match,
    traits: {
      ...given(others),
      ...(Object.keys(thinking).length === 0 ? {} : { thinking }),
      ...(Object.keys(input).length === 0 ? {} : { input }),
    },
  };
}

type Given<T> = { readonly [K in keyof T]?: Exclude<T[K], null> };

/** The members that are not null. */
function given<T extends object>(members: T): Given<T> {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== null)) as Given<T>;
}
