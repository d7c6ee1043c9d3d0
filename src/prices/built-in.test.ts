import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ownPriceList } from "./own-price-list.ts";
import { PriceBook } from "./price-book.ts";
import { readPriceList } from "./price-list-text.ts";

const text = readFileSync(join(import.meta.dir, "built-in.json"), "utf8");
const list = readPriceList(text);
const book = new PriceBook(list, []);
const models = list.providers.flatMap((provider) => provider.models.map((model) => ({ provider, model })));

test("the program reads all of its own list", () => {
  expect(ownPriceList(text)).toEqual(JSON.parse(text));
});

test("every copy of the list has the licenses of its sources", () => {
  expect(list.sources.map(({ license }) => license)).toEqual(["MIT", "MIT"]);
  for (const { notice } of list.sources) {
    expect(notice).toContain("Copyright (c)");
    expect(notice).toContain(
      "The above copyright notice and this permission notice shall be included in all copies",
    );
  }
});

test("a dispute is a difference of more than 1 % from the rate that holds", () => {
  const disputed = models.filter(({ model }) => model.disputes !== undefined);
  expect(disputed.length).toBeGreaterThan(0);
  for (const { model } of disputed) {
    for (const [rate, first, second] of model.disputes ?? []) {
      if (first !== null && second !== null && first > 0)
        expect([model.id, rate, Math.abs(first - second) / Math.max(first, second) > 0.01]).toEqual([
          model.id,
          rate,
          true,
        ]);
      // The first source's rate stands in the price, not a mean.
      if (first !== null) expect(JSON.stringify(model.prices)).toContain(String(first));
    }
  }
});

test("every model is found by its own id, as itself or as an entry before it", () => {
  for (const { provider, model } of models) {
    if (model.prices.length === 0) continue;
    const found = book.find("main", provider.id, model.id);
    const isNamedSo = model.names.some((name) => name === model.id.toLowerCase());
    if (isNamedSo) expect([provider.id, model.id, found === null]).toEqual([provider.id, model.id, false]);
  }
});

test("names as upstreams use them", () => {
  const NAMES: readonly (readonly [provider: string, name: string, model: string | null])[] = [
    ["anthropic", "claude-sonnet-4-5-20250929", "claude-sonnet-4-5"],
    ["anthropic", "claude-3-5-haiku-latest", "claude-3-5-haiku-latest"],
    ["anthropic", "claude-opus-5", "claude-opus-5"],
    ["openai", "gpt-5.4-2026-03-05", "gpt-5.4"],
    ["openai", "gpt-5.4-20260305", "gpt-5.4"],
    ["openai", "openai/gpt-5.4", "gpt-5.4"],
    ["openai", "gpt-4o-2024-05-13", "gpt-4o-2024-05-13"],
    ["openai", "whisper-1", null],
    ["google", "models/gemini-2.5-pro", "gemini-2.5-pro"],
    ["google", "google/gemini-2.5-flash", "gemini-2.5-flash"],
    ["openrouter", "openai/gpt-5.4", "openai/gpt-5.4"],
    ["azure", "gpt-5.4", "gpt-5.4"],
    ["openai", "no-such-model", null],
  ];
  for (const [provider, name, model] of NAMES)
    expect([name, book.find("main", provider, name)?.model ?? null]).toEqual([name, model]);
});

test("addresses of providers", () => {
  const ADDRESSES: readonly (readonly [url: string, provider: string | null])[] = [
    ["https://api.openai.com/v1", "openai"],
    ["https://eu.api.openai.com/v1", "openai"],
    ["https://api.anthropic.com", "anthropic"],
    ["https://generativelanguage.googleapis.com", "google"],
    ["https://openrouter.ai/api/v1", "openrouter"],
    ["https://api.groq.com/openai/v1", "groq"],
    ["https://api.deepseek.com", "deepseek"],
    ["http://192.168.1.20:8000/v1", null],
    ["https://gateway.example/v1", null],
  ];
  for (const [url, provider] of ADDRESSES)
    expect([url, book.providerAt(url)?.provider ?? null]).toEqual([url, provider]);
});
