import { expect, test } from "bun:test";
import { faultOfKey, fitsUpstream, ownerOfKey } from "./key-shape.ts";

const end = "a1".repeat(20);

test("a form that one provider alone gives out tells the provider, any other none", () => {
  const names = [
    `sk-ant-api03-${end}`,
    `AIza${end.slice(0, 35)}`,
    `sk-or-v1-${end}`,
    `sk-proj-${end}`,
    `gsk_${end}`,
    `xai-${end}`,
  ].map((key) => ownerOfKey(key)?.name);
  expect(names).toEqual(["anthropic", "gemini", "openrouter", "openai", "groq", "xai"]);
  for (const key of [`sk-${end}`, end, `AIza${end}`, `x-sk-ant-${end}`]) expect(ownerOfKey(key)).toBeNull();
});

test("what cannot be a key is told", () => {
  expect(faultOfKey(`sk-ant-${end}`)).toBeNull();
  for (const text of [
    "short",
    `a b${end}`,
    `é${end}`,
    "env:ANTHROPIC_API_KEY",
    "file:/etc/shadow-of-all",
    `clew-${end}`,
  ])
    expect(faultOfKey(text)).not.toBeNull();
});

test("a key fits its provider, and a server of one's own in front of it", () => {
  const anthropic = ownerOfKey(`sk-ant-${end}`);
  const groq = ownerOfKey(`gsk_${end}`);
  const openai = ownerOfKey(`sk-proj-${end}`);
  if (anthropic === null || groq === null || openai === null) throw new Error("unknown form");
  expect(fitsUpstream(anthropic, "anthropic", null)).toBe(true);
  expect(fitsUpstream(anthropic, "anthropic", "http://127.0.0.1:1")).toBe(true);
  expect(fitsUpstream(anthropic, "openai", null)).toBe(false);
  expect(fitsUpstream(groq, "openai", null)).toBe(false);
  expect(fitsUpstream(groq, "openai", "https://api.groq.com/openai/v1")).toBe(true);
  expect(fitsUpstream(openai, "openai", "https://api.groq.com/openai/v1")).toBe(false);
});
