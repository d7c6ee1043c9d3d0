import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { answerWell } from "../faults/asking.ts";
import { asking, CELLS, TEXT, translatedToml, UPSTREAMS } from "../flow/translated.ts";
import { type Gateway, startGateway, until } from "../kit/gateway.ts";
import { openClient, requestBytes } from "../kit/raw-client.ts";
import { type RawUpstream, startRawUpstream } from "../kit/raw-upstream.ts";
import { type DialectName, SSE_RECORDINGS } from "../kit/recordings.ts";
import { describeKind } from "./kind.ts";
import { kind } from "./kinds/unforgiving-readers.ts";

const PING_MS = 100;

/** Takes every blank line for the end of an event, as openai-go did; comments are passed over. */
function endsAtBlankLines(text: string): readonly string[] {
  const events: string[] = [];
  let data = "";
  for (const line of text.split(/\r?\n/)) {
    if (line.startsWith("data: ")) data += line.slice(6);
    if (line !== "") continue;
    events.push(data);
    data = "";
  }
  // Behind the last line end there is nothing.
  return events.slice(0, -1);
}

/** Takes every line that is not blank for data, as google-genai does. */
function takesLinesForData(text: string): readonly string[] {
  const lines = text.split(/\r?\n/).filter((line) => line !== "");
  return lines.map((line) => (line.startsWith("data: ") ? line.slice(6) : line));
}

const READERS: Readonly<Record<DialectName, (text: string) => readonly string[]>> = {
  "openai-chat": endsAtBlankLines,
  "openai-responses": endsAtBlankLines,
  "anthropic-messages": endsAtBlankLines,
  gemini: takesLinesForData,
};

const WAYS = [
  ...SSE_RECORDINGS.map((client) => ({
    name: `${client.name} relayed`,
    client,
    model: UPSTREAMS[client.dialect].model,
  })),
  ...CELLS,
];

describeKind(kind, () => {
  let upstream: RawUpstream;
  let gateway: Gateway;
  beforeAll(async () => {
    upstream = await startRawUpstream(() => undefined);
    gateway = await startGateway({
      toml: translatedToml(upstream.url),
      server: `ping_interval_ms = ${PING_MS}`,
    });
  });
  afterAll(async () => {
    await gateway?.close();
    await upstream?.close();
  });

  describe.each(WAYS)("$name", ({ client, model }) => {
    test("reported: pings before an answer and in its midst are no events, and no data", async () => {
      const connection = await openClient(gateway.port);
      upstream.answer = async (arrived) => {
        await until("a ping comes", () => connection.receivedBytes > 0);
        await answerWell(arrived, new Map([[2, 3 * PING_MS]]));
      };
      // A member that other dialects have no place for: it is named in a comment where there are any.
      const lost = { "openai-chat": { logit_bias: { "9": 1 } }, "openai-responses": { truncation: "auto" } };
      const more = client.dialect in lost ? lost[client.dialect as keyof typeof lost] : {};
      const { path, body } = asking(client, model, true, more);
      connection.send(requestBytes(path, { body }));
      const text = (await connection.reply()).body.toString();
      connection.leave();
      const events = READERS[client.dialect](text).filter((data) => data !== "[DONE]");
      expect(events.length).toBeGreaterThan(1);
      // JSON throws at what is none.
      expect(JSON.stringify(events.map((data) => JSON.parse(data)))).toContain(TEXT.slice(0, 8));
    });
  });
});
