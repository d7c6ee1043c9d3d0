import { expect, test } from "bun:test";
import { readFile, writeFile } from "node:fs/promises";
import { renderReference } from "./reference.ts";
import { configSchemaEntries } from "./schema-entries.ts";

const FILE = new URL("../../docs/configuration.md", import.meta.url).pathname;

test("docs/configuration.md says what the schema says", async () => {
  if (process.env.UPDATE === "1") await writeFile(FILE, renderReference());
  expect(await readFile(FILE, "utf8")).toBe(renderReference());
});

test("every key has a description and a time at which a change applies, and every name with a unit says it", () => {
  for (const entry of configSchemaEntries()) {
    expect([entry.key, entry.description.length > 10]).toEqual([entry.key, true]);
    expect([entry.key, ["start", "reload"].includes(entry.appliesAt)]).toEqual([entry.key, true]);
    if (/timeout|interval/.test(entry.key)) expect(entry.key).toMatch(/_m?s$/);
  }
});
