import { expect, test } from "bun:test";
import { i18n } from "@lingui/core";
import { compiledCatalog } from "../locales/compile-catalog.ts";
import { literal } from "./text.ts";

test.each(["\\u0061lert", "\\x61", "C:\\users", "\\\\u0061", "\\", "{count}", "<0>b</0>", "'{'", "#"])(
  "%s in a message is shown as it is",
  (name) => {
    i18n.loadAndActivate({ locale: "en", messages: compiledCatalog("en") });
    expect(i18n._("The key {name}", literal({ name }))).toBe(`The key ${name}`);
  },
);
