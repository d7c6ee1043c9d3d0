/** Reasoning state through clients of every dialect: back to who made it, where it was, and to nobody else. */
import { describe, setDefaultTimeout, test } from "bun:test";
import fc from "fast-check";
import { modelReply, PROPERTY_RUNS } from "../../test/kit/arbitraries.ts";
import type { JsonObject } from "../core/json.ts";
import type { AssistantPart, Message } from "../neutral/message.ts";
import type { ModelRequest } from "../neutral/request.ts";
import {
  ALL_DIALECTS,
  CLIENT,
  chosen,
  common,
  DIALECTS_UNDER_TEST,
  type DialectUnderTest,
  expectSame,
  firstModel,
  wholeOf,
} from "./fixtures/dialects-under-test.ts";
import { sealsIn } from "./fixtures/gist.ts";

const RUNS = { numRuns: PROPERTY_RUNS };
/** A case takes a few milliseconds, on a busy machine many. */
setDefaultTimeout(Math.max(60_000, 60 * PROPERTY_RUNS));

/** What each seal's data begins with, to be found again anywhere. */
const SEALED = "U0VBTEVE";
/** What every seal that is carried for another maker begins with. */
const CARRIED = "Y2xld2xpbmUx";

function marked(part: AssistantPart): AssistantPart {
  if (!("seal" in part) || !part.seal) return part;
  return { ...part, seal: { ...part.seal, data: `${SEALED}${part.seal.data}` } };
}

/** What a client can bring back: Chat only has a place for Gemini's, on calls; at the end of Messages a text has none. */
function carried(client: DialectUnderTest, maker: string, parts: readonly AssistantPart[]): AssistantPart[] {
  const { name } = client.codec;
  return parts.map((part, index): AssistantPart => {
    const isLost =
      name === "openai-chat"
        ? maker !== "gemini" || part.type !== "tool-call"
        : name === "anthropic-messages" && part.type === "text" && index === parts.length - 1;
    return isLost && "seal" in part ? { ...part, seal: null } : part;
  });
}

const MAKERS = [
  ["anthropic", DIALECTS_UNDER_TEST["anthropic-messages"]],
  ["openai", DIALECTS_UNDER_TEST["openai-responses"]],
  ["gemini", DIALECTS_UNDER_TEST.gemini],
] as const;

describe.each(MAKERS)("seals of %s", (maker, own) => {
  const sealsAtOwn = (body: JsonObject) => sealsIn(own.codec.decodeRequest(body, CLIENT).request);

  test("H-62, H-78, H-92 come back to it with the client's next request, where they were, and to nobody else", () => {
    const features = { ...common(...ALL_DIALECTS), stops: ["end", "tool-calls"] } as const;
    fc.assert(
      fc.property(modelReply({ ...features, maker }), fc.nat(), (answer, number) => {
        // Who seals its reasoning seals all of it.
        const sealed = answer.parts.filter((part) => part.type !== "reasoning" || part.seal !== null);
        fc.pre(sealed.length > 0);
        const reply = { ...answer, parts: sealed.map(marked) };
        for (const client of ALL_DIALECTS) {
          const { request } = client.codec.decodeRequest(client.nextRequest(wholeOf(client, reply)), CLIENT);
          const parts = carried(client, maker, reply.parts);
          const messages = request.messages.map((message): Message => {
            return message.role === "assistant" ? { ...message, parts } : message;
          });
          for (const upstream of [own, chosen(ALL_DIALECTS, number)]) {
            const encode = (each: ModelRequest): string =>
              JSON.stringify(upstream.codec.encodeRequest(each, firstModel(upstream)).body);
            const body = encode(request);
            expectSame(body.includes(CARRIED), false, client, upstream);
            if (upstream.codec.maker !== maker) expectSame(body.includes(SEALED), false, client, upstream);
            if (upstream !== own) continue;
            const expected = sealsAtOwn(JSON.parse(encode({ ...request, messages })));
            expectSame(sealsAtOwn(JSON.parse(body)), expected, client, upstream);
          }
        }
      }),
      RUNS,
    );
  });
});
