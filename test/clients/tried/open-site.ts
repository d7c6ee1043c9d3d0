/** Starts a server with pages for a browser, and opens it in Debian's Chromium. */
import { join } from "node:path";
import { chromium } from "playwright-core";
import type { Gate } from "../programs.ts";
import type { Case, Site } from "./clients.ts";

const ROOT = join(import.meta.dir, "../../..");
const START_LIMIT_MS = 180_000;
/** For one step of a person. */
const STEP_LIMIT_MS = 60_000;

export interface OpenSite extends AsyncDisposable {
  ask(one: Case): Promise<string>;
  /** What the server printed so far. */
  log(): string;
}

function freePort(): number {
  const probe = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data: () => undefined } });
  probe.stop(true);
  return probe.port;
}

/** Starts the server of a site in a home folder, and sets it up in a browser as its page says. */
export async function openSite(
  site: Site,
  place: string,
  gate: Gate,
  home: string,
  env: Readonly<Record<string, string>>,
): Promise<OpenSite> {
  if (Bun.spawnSync([join(ROOT, "script/install-chromium")]).exitCode !== 0)
    throw new Error("Chromium is not there");
  const port = freePort();
  const server = Bun.spawn([...site.serve(place, port)], {
    cwd: join(home, "work"),
    env: { ...env },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  let text = "";
  for (const stream of [server.stdout, server.stderr])
    void (async () => {
      for await (const piece of stream.pipeThrough(new TextDecoderStream())) text += piece;
    })();
  const url = `http://127.0.0.1:${port}`;
  await using undo = new AsyncDisposableStack();
  undo.defer(async () => {
    server.kill("SIGKILL");
    await server.exited;
  });
  const until = Date.now() + START_LIMIT_MS;
  while (
    !(await fetch(url).then(
      (reply) => reply.ok,
      () => false,
    ))
  ) {
    if (server.exitCode !== null || Date.now() > until) throw new Error(`${site.name}: ${text.slice(-3000)}`);
    await Bun.sleep(500);
  }
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: process.getuid?.() === 0 ? ["--no-sandbox"] : [],
  });
  undo.defer(async () => await browser.close());
  const page = await browser.newPage();
  page.setDefaultTimeout(STEP_LIMIT_MS);
  await page.goto(url);
  await site.open?.(page, gate);
  const close = undo.move();
  return {
    ask: (one) => site.visit(page, one),
    log: () => text,
    [Symbol.asyncDispose]: () => close.disposeAsync(),
  };
}
