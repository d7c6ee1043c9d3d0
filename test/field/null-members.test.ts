import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { startForTest } from "../../src/simulator/fixtures/simulator-under-test.ts";
import type { Simulator } from "../../src/simulator/server/simulator.ts";
import { asking, type Frame, readTold, translatedToml, UPSTREAMS } from "../flow/translated.ts";
import { type Gateway, startGateway } from "../kit/gateway.ts";
import { request } from "../kit/raw-client.ts";
import { CHAT, type DialectName, GEMINI, MESSAGES, RESPONSES, type Recording } from "../kit/recordings.ts";
import { describeKind } from "./kind.ts";
import { kind } from "./kinds/null-members.ts";

/**
 * The members that are null in replies of the providers themselves, as recorded replies of 2026 have them
 * (fixtures of vercel/ai and of agents' transcripts).
 */
const NULLS: Readonly<Record<DialectName, readonly string[]>> = {
  "anthropic-messages": [
    "stop_reason",
    "stop_sequence",
    "stop_details",
    "page_age",
    "document_title",
    "file_id",
    "category",
    "explanation",
    "title",
  ],
  "openai-chat": ["content", "refusal", "logprobs", "finish_reason", "usage"],
  "openai-responses": [
    "access_programs",
    "completed_at",
    "effort",
    "error",
    "incomplete_details",
    "instructions",
    "max_output_tokens",
    "max_tool_calls",
    "previous_response_id",
    "prompt_cache_key",
    "safety_identifier",
    "summary",
    "temperature",
    "top_p",
    "usage",
    "user",
  ],
  gemini: [],
};

const CLIENTS: readonly Recording[] = [CHAT, RESPONSES, MESSAGES, GEMINI];
const SCRIPTS = ["says=Hello", "calls=2", "text-and-calls", "thinks", "cites", "refuses", "length"];

const PARAMETERS = { type: "object", properties: { city: { type: "string" } }, required: ["city"] };
const TOOLS: Readonly<Record<DialectName, object>> = {
  "openai-chat": {
    tools: [{ type: "function", function: { name: "get_weather", parameters: PARAMETERS } }],
    stream_options: undefined,
  },
  "openai-responses": { tools: [{ type: "function", name: "get_weather", parameters: PARAMETERS }] },
  "anthropic-messages": { tools: [{ name: "get_weather", input_schema: PARAMETERS }] },
  gemini: { tools: [{ functionDeclarations: [{ name: "get_weather", parameters: PARAMETERS }] }] },
};

/** The names of members whose value is null, at any depth. */
function nullsIn(value: Frame, found: Set<string> = new Set()): Set<string> {
  if (Array.isArray(value)) for (const entry of value) nullsIn(entry, found);
  else if (typeof value === "object" && value !== null)
    for (const [name, member] of Object.entries(value)) {
      if (member === null) found.add(name);
      else nullsIn(member, found);
    }
  return found;
}

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

  describe.each(CLIENTS.map((client) => [client.dialect, client] as const))("%s", (dialect, client) => {
    test.each(Object.keys(UPSTREAMS) as DialectName[])(
      `${dialect === "anthropic-messages" ? "reported: " : ""}answers of %s have no null of their own`,
      async (upstream) => {
        const strange: string[] = [];
        let citations = 0;
        for (const script of SCRIPTS) {
          for (const isStream of [false, true]) {
            const model = `${UPSTREAMS[upstream].model}~${script}`;
            const { path, body } = asking(client, model, isStream, TOOLS[dialect]);
            const reply = await request(gateway.port, path, { body });
            const text = reply.body.toString().replaceAll("\r\n", "\n");
            const told = readTold(client, isStream, text);
            expect({ script, isStream, status: reply.status, isEnded: told.isEnded }).toEqual({
              script,
              isStream,
              status: 200,
              isEnded: true,
            });
            for (const name of nullsIn(told.frames))
              if (!NULLS[dialect].includes(name)) strange.push(`${script}, ${isStream}: ${name}`);
            if (/citation/i.test(text)) citations += 1;
          }
        }
        expect(strange).toEqual([]);
        // Where there are citations, they are still told.
        if (dialect === "anthropic-messages") expect(citations).toBe(2);
      },
    );
  });
});
