// Whatever a text holds, a chat gets it as text, as much of it as the chat takes.
import { expect, test } from "bun:test";
import fc from "fast-check";
import type { Channel } from "./channel.ts";
import { makeChannel } from "./fixtures/channels.ts";
import { FORMS } from "./forms.ts";

const RUNS = { numRuns: 300 };
const texts = fc.oneof(
  fc.string({ unit: "binary", maxLength: 6_000 }),
  fc
    .array(
      fc.constantFrom(
        "@everyone",
        "<!here>",
        "<@1>",
        "&lt;",
        "\\",
        "**",
        "```",
        "\n",
        "x".repeat(900),
        "😀",
        "https://a.test",
      ),
    )
    .map((parts) => parts.join("")),
);

function bodyOf(kind: "slack" | "discord" | "telegram", text: string): Record<string, unknown> {
  const channel: Channel = makeChannel({ kind, url: "https://chat.test/", token: "1:a", chatId: "-1" });
  const call = { id: "alert_1", event: "{}", text };
  return JSON.parse(FORMS[kind].post(channel, call, 0).body.toString());
}

/** The beginning of the text, or all of it. */
function expectBeginning(plain: string, text: string): void {
  if (plain === text) return;
  expect(plain.endsWith("…")).toBe(true);
  expect(text.startsWith(plain.slice(0, -1))).toBe(true);
}

test("Slack reads the text itself, without a sign that it would obey", () => {
  fc.assert(
    fc.property(texts, (text) => {
      const told = String(bodyOf("slack", text).text);
      expect(told.length).toBeLessThanOrEqual(4_000);
      expect(told).not.toMatch(/[<>]|&(?!amp;|lt;|gt;)/);
      const signs: Readonly<Record<string, string>> = { "&lt;": "<", "&gt;": ">", "&amp;": "&" };
      expectBeginning(
        told.replace(/&(?:lt|gt|amp);/g, (sign) => signs[sign] as string),
        text,
      );
    }),
    RUNS,
  );
});

test("Discord reads the text itself, with every mark behind a backslash", () => {
  fc.assert(
    fc.property(texts, (text) => {
      const told = String(bodyOf("discord", text).content);
      expect(told.length).toBeLessThanOrEqual(2_000);
      expect(told.replace(/\\./gsu, "")).not.toMatch(/[\\*_~`|<>[\]()#@:]/);
      expectBeginning(told.replace(/\\(.)/gsu, "$1"), text);
    }),
    RUNS,
  );
});

test("Telegram reads the text itself", () => {
  fc.assert(
    fc.property(texts, (text) => {
      const told = String(bodyOf("telegram", text).text);
      expect(told.length).toBeLessThanOrEqual(4_096);
      expectBeginning(told, text);
    }),
    RUNS,
  );
});
