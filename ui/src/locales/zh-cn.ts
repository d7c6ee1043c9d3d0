import { compiledCatalog } from "./compile-catalog.ts" with { type: "macro" };

export const ZH_CN: Record<string, never> = compiledCatalog("zh-CN");
