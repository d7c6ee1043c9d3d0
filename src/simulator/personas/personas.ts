// The table of personas, and where a path names one.

import { HOSTS } from "./hosts.ts";
import { MAKERS } from "./makers.ts";
import { OWN } from "./own.ts";
import type { Persona } from "./persona.ts";

const ALL = { ...MAKERS, ...HOSTS, ...OWN };

/** By the name in `/persona/NAME/v1`. */
export const PERSONAS: Readonly<Record<keyof typeof ALL, Persona>> = ALL;
export const PERSONA_NAMES = Object.keys(ALL) as readonly (keyof typeof ALL)[];

export interface PersonaPath {
  /** undefined: there is none of this name. */
  readonly persona: Persona | undefined;
  /** The rest of the path, as at a server of its own. */
  readonly path: string;
}

/** null: the path names no persona. */
export function personaAt(path: string): PersonaPath | null {
  const [, name, rest] = /^\/persona\/([^/]+)(\/.*|$)/.exec(path) ?? [];
  if (name === undefined) {
    return null;
  }
  const known = PERSONA_NAMES.find((one) => one === name);
  return { persona: known === undefined ? undefined : PERSONAS[known], path: rest || "/" };
}
