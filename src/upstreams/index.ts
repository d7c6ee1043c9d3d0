/** The table of families. A new family is a file beside this one and a line here. */
import { anthropic } from "./anthropic.ts";
import type { Family, FamilyName } from "./family.ts";
import { gemini } from "./gemini.ts";
import { openai } from "./openai.ts";

export const FAMILIES: Readonly<Record<FamilyName, Family>> = { anthropic, gemini, openai };
