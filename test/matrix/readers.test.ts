// The clients of the matrix refuse a reply that breaks its dialect's grammar, so that a passing cell proves
// something.

import { describe, expect, test } from "bun:test";
import { user } from "./conversation.ts";
import { CLIENTS, cells, useStage } from "./matrix.ts";
import { CLOCK, WEATHER } from "./samples.ts";
import { MODELS } from "./stage.ts";
import { WireFault } from "./wire.ts";

const stage = useStage();

const ask = { turns: [user("What is it like outside?")], tools: [WEATHER, CLOCK] };

/**
 * A stream, block by block; each way to break a stream gets the number of a block that is neither the first
 * nor the last.
 */
const BREAKS: Readonly<Record<string, (blocks: readonly string[], at: number) => readonly string[]>> = {
  "without its end": (blocks) => blocks.slice(0, -1),
  "without its beginning": (blocks) => blocks.slice(1),
  "with its beginning twice": (blocks) => [blocks[0] as string, ...blocks],
  "with something behind its end": (blocks) => [...blocks, blocks[1] as string],
  "with an unknown member": (blocks, at) =>
    blocks.map((block, index) => (index === at ? block.replace("data: {", 'data: {"odd":1,') : block)),
  "with an event that nobody knows": (blocks, at) => [
    ...blocks.slice(0, at),
    'event: odd\ndata: {"type":"odd"}',
    ...blocks.slice(at),
  ],
  "with data that is no JSON": (blocks, at) =>
    blocks.map((block, index) => (index === at ? block.replace(/\}$/, "") : block)),
};

/** Broken streams that a dialect's grammar cannot tell from a good one. */
const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  // Each chunk of Google's stream is whole in itself, so that a missing first one cannot be seen.
  gemini: ["without its beginning", "with its beginning twice"],
};

describe("readers", () => {
  for (const { dialect, upstream } of cells().filter(({ isRelay }) => isRelay)) {
    const client = CLIENTS[dialect];
    const read = async () => {
      const model = `${upstream}/${MODELS[upstream]}~calls=2,text-and-calls`;
      const { text } = await stage().ask(client.write(ask, model, true));
      return text.trimEnd().split("\n\n");
    };
    test(`${dialect}: a good stream`, async () => {
      const blocks = await read();
      expect(client.readStream(`${blocks.join("\n\n")}\n\n`).calls).toHaveLength(2);
    });
    for (const [how, broken] of Object.entries(BREAKS)) {
      test(`${dialect}: a stream ${how}`, async () => {
        const blocks = await read();
        const at = Math.floor(blocks.length / 2);
        const stream = `${broken(blocks, at).join("\n\n")}\n\n`;
        const isAllowed = ALLOWED[dialect]?.includes(how) === true;
        if (isAllowed) expect(() => client.readStream(stream)).not.toThrow();
        else expect(() => client.readStream(stream)).toThrow(WireFault);
      });
    }
    test(`${dialect}: a whole reply without one of its members`, async () => {
      const { text } = await stage().ask(client.write(ask, `${upstream}/${MODELS[upstream]}`, false));
      const whole = JSON.parse(text) as Record<string, unknown>;
      expect(() => client.readWhole(whole)).not.toThrow();
      for (const member of [
        "usage",
        "usageMetadata",
        "content",
        "choices",
        "candidates",
        "output",
        "id",
        "responseId",
      ]) {
        if (!(member in whole)) continue;
        const { [member]: _, ...rest } = whole;
        expect(() => client.readWhole(rest), member).toThrow(WireFault);
      }
    });
  }
});
