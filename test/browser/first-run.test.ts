import { afterAll, beforeAll, expect, test } from "bun:test";
import { rmSync } from "node:fs";
import { makeFolder } from "../kit/gateway.ts";
import { type AdminUnderTest, axeFaults, startAdmin, type Window } from "./admin.ts";
import { type OnTerminal, startOnTerminal } from "./terminal.ts";

const MAX_CLICKS = 6;

let admin: AdminUnderTest;
const folder = makeFolder();
const programs: OnTerminal[] = [];
beforeAll(async () => {
  // For its browser; the person's gateway is another one.
  admin = await startAdmin();
});
afterAll(async () => {
  for (const program of programs) await program.end();
  await admin.close();
  rmSync(folder, { recursive: true, force: true });
});

function start(...args: string[]): OnTerminal {
  const program = startOnTerminal(folder, args);
  programs.push(program);
  return program;
}

/** Opens the link that a start on a terminal prints; counts the clicks of all that follows. */
async function openLink(): Promise<{ window: Window; clicks: () => number }> {
  const gateway = start("--port", "0");
  const [, url = "", token = ""] = await gateway.shows(/admin\s+(http:\/\/[\d.:]+)\/admin\/#link=([\w-]+)/);
  const window = await admin.open({}, url);
  let before = 0;
  await window.page.exposeFunction("countClick", () => {
    before += 1;
  });
  await window.page.addInitScript(() =>
    // A click that the keyboard makes has no detail.
    addEventListener("click", ({ detail }) => detail > 0 && Reflect.get(globalThis, "countClick")(), true),
  );
  await window.go(`/#link=${token}`);
  await window.page.getByRole("heading", { name: "Overview", level: 1 }).waitFor();
  return { window, clicks: () => before };
}

test("from an empty folder to the first answer, without an account: the link, and at most six clicks", async () => {
  const started = performance.now();
  const { window, clicks } = await openLink();
  const { page } = window;
  expect(page.url()).not.toContain("link");
  expect(await axeFaults(page)).toEqual([]);
  await page.getByRole("link", { name: "Add credentials" }).click();
  await page.getByRole("radio", { name: "Simulator" }).click();
  const [, simulatorUrl = ""] = await start("simulate", "--port", "0").shows(/(http:\/\/[\d.:]+)/);
  await page.getByLabel("Address of the simulator").fill(simulatorUrl);
  expect(await axeFaults(page)).toEqual([]);
  await page.getByRole("button", { name: "Use the simulator" }).click();
  await page.getByRole("heading", { name: "Playground", level: 1 }).waitFor();
  await page.getByLabel("Message").fill("Hello");
  await page.keyboard.press("Enter");
  const request = page.getByRole("link", { name: "The request" });
  await request.waitFor();
  console.log(`first answer: ${clicks()} clicks, ${Math.round((performance.now() - started) / 1_000)} s`);
  expect(clicks()).toBeGreaterThan(0);
  expect(clicks()).toBeLessThanOrEqual(MAX_CLICKS);
  await request.click();
  await page.getByRole("heading", { name: "Timeline" }).waitFor();
  await page.getByText("Good 200").waitFor();
  expect(window.faults).toEqual([]);
  await window.context.close();
});
