import { afterAll, beforeAll, expect, test } from "bun:test";
import type { Way } from "../faults/asking.ts";
import { CHAT, GEMINI, MESSAGES } from "../kit/recordings.ts";
import { describeKind } from "./kind.ts";
import { kind } from "./kinds/model-faults.ts";
import { type Refusal, RefusingStage } from "./refusing-stage.ts";

const whole = (recording: Way["recording"]): Way => ({ name: recording.name, recording, isStream: false });

const anthropic = (status: number, type: string, message: string): Refusal => ({
  status,
  body: { type: "error", error: { type, message } },
});
const google = (code: number, status: string, message: string): Refusal => ({
  status: code,
  body: { error: { code, status, message } },
});
const openai = (status: number, message: string, code: string | null): Refusal => ({
  status,
  body: { error: { message, type: "invalid_request_error", code } },
});

/** What a client named is not there, or not for the key. */
const NAMED_BY_CLIENT: readonly (readonly [string, Way, Refusal])[] = [
  [
    "reported: a file id like a model",
    whole(MESSAGES),
    anthropic(404, "not_found_error", "model: file-model"),
  ],
  [
    "reported: a beta",
    whole(MESSAGES),
    anthropic(403, "permission_error", "Your key has no access to this beta."),
  ],
  ["a file", whole(MESSAGES), anthropic(404, "not_found_error", "File not found: model.pdf")],
  ["a tool's model", whole(CHAT), openai(404, "The model `gpt-image-9` does not exist.", "model_not_found")],
  ["an organization's feature", whole(CHAT), openai(403, "No access to this tool", "feature_denied")],
  [
    "a file of another project",
    whole(GEMINI),
    google(403, "PERMISSION_DENIED", "The caller does not have permission"),
  ],
  [
    "a cached content for a model",
    whole(GEMINI),
    google(404, "NOT_FOUND", "Cached content for models/x is not found"),
  ],
];

const NAMES_MODEL: readonly (readonly [Way, (model: string) => Refusal])[] = [
  [whole(MESSAGES), (model) => anthropic(404, "not_found_error", `model: ${model}`)],
  [
    whole(CHAT),
    (model) =>
      openai(
        404,
        `The model \`${model}\` does not exist or you do not have access to it.`,
        "model_not_found",
      ),
  ],
  [whole(GEMINI), (model) => google(404, "NOT_FOUND", `models/${model} is not found for API version v1beta`)],
];

describeKind(kind, () => {
  const stages = new Map<string, RefusingStage>();
  const stageOf = ({ recording }: Way) => stages.get(recording.family) as RefusingStage;
  beforeAll(async () => {
    const families = ["openai", "anthropic", "gemini"] as const;
    await Promise.all(
      families.map(async (family) => stages.set(family, await RefusingStage.open({ family }))),
    );
  });
  afterAll(() => Promise.all([...stages.values()].map((stage) => stage.close())));

  test.each(NAMED_BY_CLIENT)("%s forbids no model", async (_, way, refusal) => {
    const stage = stageOf(way);
    stage.refusal = refusal;
    const asked = await stage.refused(way);
    expect(asked.status).toBe(refusal.status);
    for (const { state, models } of await stage.credentials())
      expect({ state, models }).toEqual({ state: "ready", models: [] });
  });

  test.each(NAMES_MODEL.map(([way, refusal]) => [way.name, way, refusal] as const))(
    "reported: %s: once a credential serves the model after all, the others are asked again",
    async (_, way, refusalOf) => {
      const stage = stageOf(way);
      const { model } = way.recording;
      stage.refusal = refusalOf(model);
      await stage.refused(way);
      for (const { models } of await stage.credentials())
        expect(models).toMatchObject([{ model, state: "forbidden" }]);
      expect((await stage.answered(way)).status).toBe(200);
      await Bun.sleep(1_100);
      for (let i = 0; i < 6; i += 1) expect((await stage.answered(way)).status).toBe(200);
      for (const { models } of await stage.credentials()) expect(models).toEqual([]);
    },
  );
});
