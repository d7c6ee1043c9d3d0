// Media beside text: an image, an image by URL, a page as PDF; and a model that takes none of them.

import { expect } from "bun:test";
import { type Ask, type Piece, user } from "./conversation.ts";
import { type Cell, matrix, notSupported, type Seen, testLedger, useStage } from "./matrix.ts";
import { PAGE, PIXEL } from "./samples.ts";
import { IS_ON_VERTEX, MODELS } from "./stage.ts";

useStage('[[traits]]\nmatch = "blind-1*"\nimage = false\npdf = false\n');

const show = (piece: Piece) => (): Ask => ({ turns: [user("Look:", piece, "What is it?")] });
const looked: Seen = { ending: "end", calls: [] };

matrix("image", {
  asks: [show(PIXEL)],
  expected: {
    "openai-chat": looked,
    "openai-responses": looked,
    "anthropic-messages": looked,
    gemini: looked,
  },
  sent: (sent) => expect(sent.at(-1)?.body).toMatch(between(PIXEL.data)),
});

const URL = "https://example.com/picture.png";

/** Claude on Vertex AI fetches nothing. In a relay, Vertex AI itself refuses. */
const byAddress = ({ upstream, isRelay }: Cell) => {
  if (!IS_ON_VERTEX || upstream !== "anthropic") return looked;
  return isRelay
    ? ({ trouble: { status: 400 } } as const)
    : notSupported("the model fetches no files there", /send it as base64/);
};

matrix("image by its address", {
  asks: [show({ kind: "image-url", url: URL })],
  expected: {
    "openai-chat": byAddress,
    "openai-responses": byAddress,
    "anthropic-messages": byAddress,
    gemini: byAddress,
  },
  sent: (sent) => expect(sent.at(-1)?.body).toMatch(between(URL)),
});

matrix("H-102 page", {
  asks: [show(PAGE)],
  expected: {
    "openai-chat": looked,
    "openai-responses": looked,
    "anthropic-messages": looked,
    gemini: looked,
  },
  sent: (sent) => expect(sent.at(-1)?.body).toMatch(between(PAGE.data)),
});

/** The place of the media: between the texts around it. */
function between(data: string): RegExp {
  return new RegExp(`Look:.*${data.replace(/[^\w]/g, "\\$&")}.*What is it\\?`, "s");
}

const models = { ...MODELS, compat: "blind-1" };
const blind = (field: RegExp) =>
  ({
    anthropic: looked,
    gemini: looked,
    openai: looked,
    compat: notSupported("the model takes no such document", field),
  }) as const;

matrix("H-102 a page to a model that takes none", {
  models,
  asks: [show(PAGE)],
  expected: {
    // In a relay, the server itself refuses.
    "openai-chat": looked,
    "openai-responses": blind(/input\[0\]\.content\[1\]/),
    "anthropic-messages": blind(/messages\[0\]\.content\[1\]/),
    gemini: blind(/contents\[0\]\.parts\[1\]/),
  },
});

testLedger();
