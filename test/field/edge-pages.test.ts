import { afterAll, beforeAll, expect, test } from "bun:test";
import type { Way } from "../faults/asking.ts";
import { CHAT, GEMINI, MESSAGES, RESPONSES } from "../kit/recordings.ts";
import { describeKind } from "./kind.ts";
import { kind } from "./kinds/edge-pages.ts";
import { RefusingStage } from "./refusing-stage.ts";

const PAGES = [
  "<!DOCTYPE html><html><head><title>Just a moment...</title></head><body>Enable JavaScript</body></html>",
  "<html><title>Sign in</title><body>Your account: invalid api key, insufficient balance</body></html>",
  '<?xml version="1.0"?><Error><Code>AccessDenied</Code><Message>model not found</Message></Error>',
];
const STATUSES = [401, 402, 403, 407, 429, 500, 502, 503];

const WAYS: readonly Way[] = [CHAT, RESPONSES, MESSAGES, GEMINI].map((recording) => ({
  name: recording.name,
  recording,
  isStream: false,
}));

describeKind(kind, () => {
  const stages = new Map<string, RefusingStage>();
  beforeAll(async () => {
    const families = ["openai", "anthropic", "gemini"] as const;
    await Promise.all(
      families.map(async (family) => stages.set(family, await RefusingStage.open({ family }))),
    );
  });
  afterAll(() => Promise.all([...stages.values()].map((stage) => stage.close())));

  for (const way of WAYS) {
    test(`reported: pages with 401, 403, 429 and others, ${way.name}: all credentials stay ready`, async () => {
      const stage = stages.get(way.recording.family) as RefusingStage;
      for (const [index, status] of STATUSES.entries()) {
        stage.refusal = { status, body: PAGES[index % PAGES.length] ?? "" };
        const asked = await stage.refused(way);
        // The client gets an error of its own dialect, and no page.
        expect(asked.text).toContain('"error"');
        expect(asked.text).not.toContain("<");
        expect(asked.status).not.toBe(401);
        expect((await stage.answered(way)).status).toBe(200);
      }
      for (const { state, models } of await stage.credentials())
        expect({ state, models }).toEqual({ state: "ready", models: [] });
      // A page counts as an overload, and each repeat follows a pause.
    }, 60_000);
  }
});
