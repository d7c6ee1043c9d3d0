// A stream that says much keeps no object for each of its events, whichever the dialects.
import { heapStats } from "bun:jsc";
import { expect, test } from "bun:test";
import { GatewayError } from "../core/errors.ts";
import {
  ALL_DIALECTS,
  DECODE_OPTIONS,
  replyOptions,
  streamOf,
} from "../dialects/fixtures/dialects-under-test.ts";
import { CallRestorer } from "../neutral/answer/restore.ts";
import type { BlockStart, ModelEvent } from "../neutral/event.ts";
import { StreamTranslation } from "./stream.ts";

const EVENTS = 10_000;
/** Some pieces wait to be joined, and the runtime remembers some numbers as text. */
const MOST_KEPT = 0.25;
const CALL: BlockStart = {
  kind: "tool-call",
  id: "call_1",
  name: "write",
  namespace: null,
  call: "function",
  seal: null,
};
const BLOCKS: readonly (readonly [block: BlockStart, first: string])[] = [
  [{ kind: "text", phase: null }, "It"],
  [{ kind: "reasoning" }, "It"],
  [CALL, '{"text":"It'],
];

const PAIRS = ALL_DIALECTS.flatMap((client) =>
  ALL_DIALECTS.filter((upstream) => upstream !== client).map(
    (upstream) => [client.codec.name, upstream.codec.name, client, upstream] as const,
  ),
);

test.each(PAIRS)("%s client, %s upstream", (_, __, client, upstream) => {
  for (const [block, first] of BLOCKS) {
    const translation = new StreamTranslation({
      decoder: upstream.codec.makeStreamDecoder("sse", DECODE_OPTIONS),
      encoder: client.codec.makeStreamEncoder(replyOptions(client, "sse")),
      restorer: new CallRestorer({ wireName: ({ name }) => name, original: () => null }),
      veil: null,
      stopWatch: null,
      observer: null,
      errorOf: (_, message) => new GatewayError("upstream_garbage", message),
      continuation: () => null,
      onCut: () => undefined,
      requestId: "1",
      maxContentBytes: 1_000_000,
      keepsAnswer: false,
    });
    const start: ModelEvent[] = [
      { type: "start", id: "1", model: "m" },
      { type: "open", block },
      { type: "delta", text: first },
    ];
    const head = streamOf(upstream, start);
    const word = streamOf(upstream, [...start, { type: "delta", text: " goes on" }]).subarray(head.length);
    translation.push(head);
    for (let n = 0; n < 500; n++) translation.push(word);
    const before = objects();
    for (let n = 0; n < EVENTS; n++) translation.push(word);
    const kept = (objects() - before) / EVENTS;
    expect(kept, `objects for each event of ${block.kind}`).toBeLessThan(MOST_KEPT);
    expect(translation.progress).toBe("open");
  }
});

function objects(): number {
  Bun.gc(true);
  return heapStats().objectCount;
}
