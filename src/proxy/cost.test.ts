// What a small request costs beyond its work: promises and async functions are most of what a gateway can make
// too many of, and no other test notices one more.
import { afterEach, beforeEach, expect, test } from "bun:test";
import { join } from "node:path";
import { type RawUpstream, sendWhole, startRawUpstream } from "../../test/kit/raw-upstream.ts";
import { CHAT, MESSAGES } from "../../test/kit/recordings.ts";

const COUNT = join(import.meta.dir, "fixtures/count-objects.ts");

let upstream: RawUpstream;
beforeEach(async () => {
  upstream = await startRawUpstream((request) =>
    sendWhole(request, request.target.endsWith("/messages") ? MESSAGES.whole : CHAT.whole),
  );
});
afterEach(() => upstream.close());

test.each([
  ["relayed", "openai/gpt-4.1"],
  ["translated", "claude/claude-haiku-4-5"],
])(
  "a small request that is %s waits by promises for its body and its reply alone",
  async (_, model) => {
    const counting = Bun.spawn([process.execPath, COUNT, upstream.url, model], { stderr: "inherit" });
    const { promises, asyncFrames } = JSON.parse(await new Response(counting.stdout).text());
    // The body, what follows it, and the reply; `serve` of the counting program makes one too.
    expect(promises).toBeLessThanOrEqual(4);
    expect(promises).toBeGreaterThan(1);
    // That of `serve`.
    expect(asyncFrames).toBeLessThanOrEqual(1.1);
  },
  30_000,
);
