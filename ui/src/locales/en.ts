import { compiledCatalog } from "./compile-catalog.ts" with { type: "macro" };

export const EN: Record<string, never> = compiledCatalog("en");
