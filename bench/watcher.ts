/** Somebody who has the admin open: the overview is read once, and the stream of live events to its end. */
import type { Stage } from "./targets.ts";

/**
 * Begins to follow the gateway at `port`, whose configuration has `[admin]`. Returns what ends it; it rejects when the
 * gateway ended the stream before, because then nobody has watched.
 */
export async function watchAdmin(
  { workspace, program }: Stage,
  { configPath, port }: { readonly configPath: string; readonly port: number },
): Promise<() => Promise<void>> {
  const made = await workspace.output(
    [...program, "admin", "token", "bench", "--json", "--config", configPath],
    {
      timeoutMs: 30_000,
    },
  );
  const { token } = JSON.parse(made) as { token: string };
  const leaving = new AbortController();
  const read = async (path: string): Promise<Response> => {
    const reply = await fetch(`http://127.0.0.1:${port}/admin/api/${path}`, {
      headers: { authorization: `Bearer ${token}` },
      signal: leaving.signal,
    });
    if (!reply.ok) throw new Error(`the admin answered ${reply.status} to ${path}: ${await reply.text()}`);
    return reply;
  };
  const nowMs = Date.now();
  await (await read(`overview?fromMs=${nowMs - 3_600_000}&toMs=${nowMs}`)).text();
  const live = await read("live");
  const following = (async () => {
    for await (const _ of live.body ?? []);
    throw new Error("the admin ended its stream of live events");
  })();
  const over = following.catch((error: unknown) => {
    if (!leaving.signal.aborted) throw error;
  });
  // Told by `stop`, at the end of the measurement.
  over.catch(() => undefined);
  return () => {
    leaving.abort();
    return over;
  };
}
