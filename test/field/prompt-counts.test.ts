import { afterAll, beforeAll, expect, test } from "bun:test";
import { startForTest } from "../../src/simulator/fixtures/simulator-under-test.ts";
import type { Simulator } from "../../src/simulator/server/simulator.ts";
import { asking, readTold, translatedToml, UPSTREAMS } from "../flow/translated.ts";
import { type Gateway, startGateway } from "../kit/gateway.ts";
import { request } from "../kit/raw-client.ts";
import { type DialectName, MESSAGES } from "../kit/recordings.ts";
import { describeKind } from "./kind.ts";
import { kind } from "./kinds/prompt-counts.ts";

const WORDS = "The clew leads through the labyrinth, and the thread is long. ".repeat(100);
/** Begins as a picture of that kind does. */
const PICTURE = Buffer.concat([
  Buffer.from("89504e470d0a1a0a0000000d49484452", "hex"),
  Buffer.alloc(300_000, 7),
]).toString("base64");

const saying = (content: unknown): object => ({ messages: [{ role: "user", content }] });

describeKind(kind, () => {
  let simulator: Simulator;
  let gateway: Gateway;
  beforeAll(async () => {
    simulator = await startForTest();
    gateway = await startGateway({ toml: translatedToml(simulator.url) });
  });
  afterAll(async () => {
    await gateway?.close();
    await simulator?.close();
  });

  /** The input tokens of the first event and of the last one with usage. */
  async function counts(model: string, more: object): Promise<{ first: number; last: number }> {
    const { path, body } = asking(MESSAGES, model, true, more);
    const reply = await request(gateway.port, path, { body });
    expect(reply.status).toBe(200);
    const { frames } = readTold(MESSAGES, true, reply.body.toString());
    const [start] = frames;
    expect(start?.type).toBe("message_start");
    const end = frames.findLast(({ type }) => type === "message_delta");
    const whole = (usage: Record<string, number>): number =>
      (usage.input_tokens ?? 0) +
      (usage.cache_read_input_tokens ?? 0) +
      (usage.cache_creation_input_tokens ?? 0);
    return { first: whole(start.message.usage), last: whole(end.usage) };
  }

  const OTHERS = (Object.keys(UPSTREAMS) as DialectName[]).filter((name) => name !== MESSAGES.dialect);

  test.each(OTHERS)(
    "reported: %s: the first event has the prompt's tokens, and the last one the count",
    async (name) => {
      const { first, last } = await counts(UPSTREAMS[name].model, saying(WORDS));
      expect(last).toBeGreaterThan(1_000);
      if (name === "gemini") expect(first).toBe(last);
      else {
        expect(first).toBeGreaterThan(last / 2);
        expect(first).toBeLessThan(last * 2);
      }
    },
  );

  test("a server that counts nothing: the estimate stays to the end", async () => {
    const model = `${UPSTREAMS["openai-chat"].model}~compat=no-usage`;
    const { first, last } = await counts(model, saying(WORDS));
    expect(first).toBeGreaterThan(1_000);
    expect(last).toBe(first);
  });

  test("the bytes of a picture are not taken for words", async () => {
    const source = { type: "base64", media_type: "image/png", data: PICTURE };
    const { first } = await counts(
      UPSTREAMS["openai-responses"].model,
      saying([
        { type: "image", source },
        { type: "text", text: "What is this?" },
      ]),
    );
    expect(first).toBeGreaterThan(0);
    expect(first).toBeLessThan(5_000);
  });
});
