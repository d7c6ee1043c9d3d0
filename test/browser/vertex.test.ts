// A service account of Vertex AI, added in the browser: the end is a test of it.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { systemClock } from "../../src/core/clock.ts";
import { makeIds } from "../../src/core/ids.ts";
import { type Simulator, startSimulator } from "../../src/simulator/server/simulator.ts";
import { vertexToml } from "../kit/vertex.ts";
import { type AdminUnderTest, axeFaults, startAdmin } from "./admin.ts";

let simulator: Simulator;
let admin: AdminUnderTest;
beforeAll(async () => {
  simulator = await startSimulator({ clock: systemClock, ids: makeIds() });
  admin = await startAdmin(vertexToml("vertex", simulator));
});
afterAll(async () => {
  await admin?.close();
  await simulator?.close();
});

test("the key of a service account is pasted, added and tested", async () => {
  const { page, signIn, go, faults, context } = await admin.open();
  await signIn();
  await page.locator("#page-title").waitFor();
  await go("/pool");
  await page.getByRole("button", { name: "Add credentials" }).first().click();
  const dialog = page.getByRole("dialog");
  await dialog.getByText("Vertex AI", { exact: true }).click();
  await dialog.getByLabel("JSON key of a service account").fill("{}");
  await dialog.getByLabel("Name").fill("second");
  await dialog.getByRole("button", { name: "Add and test" }).click();
  await dialog.getByRole("alert").first().waitFor();
  await dialog.getByLabel("JSON key of a service account").fill(simulator.serviceAccount("other"));
  await dialog.getByLabel("Region").fill("europe-west1");
  expect(await axeFaults(page)).toEqual([]);
  await dialog.getByRole("button", { name: "Add and test" }).click();
  await dialog.getByText("It works").waitFor();
  expect(readFileSync(admin.gateway.configFile, "utf8")).toContain('region = "europe-west1"');
  expect(simulator.requests().at(-1)?.path).toContain("/locations/europe-west1/");
  expect(faults).toEqual([]);
  await context.close();
});
