/** The table of families. */

import type { FamilyName } from "../config/schema.ts";
import { anthropic } from "./anthropic.ts";
import type { Family } from "./family.ts";
import { gemini } from "./gemini.ts";
import { openai } from "./openai.ts";
import { vertex } from "./vertex.ts";

export type Families = Readonly<Record<FamilyName, Family>>;

export const FAMILIES: Families = { anthropic, gemini, openai, vertex };
