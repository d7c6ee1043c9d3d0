/**
 * What the limits of a key cost a request, in CPU of single steps: room taken and settled, and the headers that tell it.
 *
 *     node_modules/.bin/bun bench/micro/admission.ts
 */

import { makeRoute } from "../../src/dialects/endpoint.ts";
import { peekRequest } from "../../src/dialects/peek.ts";
import { PriceBook } from "../../src/prices/price-book.ts";
import { NO_PRICES } from "../../src/prices/price-list.ts";
import { accept } from "../../src/proxy/accepted.ts";
import { admit } from "../../src/proxy/admission/admit.ts";
import { addLimitHeaders } from "../../src/proxy/admission/limit-headers.ts";
import { Exchange } from "../../src/proxy/exchange.ts";
import { clientUnderTest, GatewayUnderTest } from "../../src/proxy/fixtures/gateway-under-test.ts";
import { planRequest } from "../../src/proxy/plan-request.ts";
import { ServedRequest } from "../../src/proxy/served-request.ts";

const CALLS = 100_000;
const ROUNDS = 7;
const MODEL = "gpt-4.1";
const WIDE = {
  requestsPerMinute: 1e9,
  tokensPerMinute: 1e12,
  concurrency: 1e6,
  budgetPerDayNanoUsd: null,
  budgetPerWeekNanoUsd: null,
  budgetPerMonthNanoUsd: null,
  timeZone: "UTC",
  perModel: [],
} as const;
const PRICES = new PriceBook(NO_PRICES, [
  { upstream: null, model: MODEL, prices: [{ rates: { input: 2, output: 8 } }] },
]);

const ROW = { id: "", modelAsked: MODEL, upstream: "openai", modelUsed: MODEL, modelReported: MODEL };

/** Prints the least of some rounds: other work on the machine only adds. */
function measure(what: string, step: () => void): void {
  let leastNs = Number.POSITIVE_INFINITY;
  for (let round = 0; round < ROUNDS; round++) {
    const before = process.cpuUsage();
    for (let i = 0; i < CALLS; i++) step();
    const { user, system } = process.cpuUsage(before);
    leastNs = Math.min(leastNs, ((user + system) * 1_000) / CALLS);
  }
  console.log(`${what.padEnd(48)} ${leastNs.toFixed(0).padStart(5)} ns`);
}

async function measureKey(name: string, budgetPerDayNanoUsd: number | null): Promise<void> {
  const gateway = new GatewayUnderTest({
    upstreams: [{ name: "openai", family: "openai", baseUrl: "http://127.0.0.1:1/v1" }],
    key: { limits: { ...WIDE, budgetPerDayNanoUsd } },
  });
  gateway.snapshot = { ...gateway.snapshot, prices: PRICES };
  const { tester } = gateway;
  const body = Buffer.from(JSON.stringify({ model: MODEL, messages: [], max_tokens: 100 }));
  const peek = peekRequest("openai-chat", body);
  const route = makeRoute("chat.completions", "/v1/chat/completions");
  const accepted = accept(gateway, route, clientUnderTest("/v1/chat/completions", "{}"), tester);
  const planned = planRequest(gateway.snapshot, route, MODEL, null, tester);
  const asked = {
    requestBytes: body.length,
    modelAsked: MODEL,
    clientFraming: "json",
    amendment: null,
    isStrict: false,
    endUser: null,
    outputLimit: null,
    isBackground: false,
  } as const;
  const costNanoUsd = budgetPerDayNanoUsd === null ? 0 : 100;
  const make = (): ServedRequest =>
    new ServedRequest(gateway, new Exchange(accepted, asked), body, peek, null);

  measure(`${name}: a request without admission`, make);
  measure(`${name}: with its admission and settlement`, () => {
    const request = make();
    admit(request, planned);
    request.exchange.admission?.settle(5, costNanoUsd, ROW);
  });
  const reply = (headers: Record<string, string>): Response => new Response("x", { headers });
  measure(`${name}: a reply`, () => reply({ "content-type": "application/json" }));
  measure(`${name}: with the headers of its limits`, () => {
    const headers = { "content-type": "application/json" };
    const time = { nowMs: Date.now(), monotonicMs: performance.now() };
    addLimitHeaders(headers, "openai-chat", gateway.limiter.limitsFor(tester, MODEL), time);
    reply(headers);
  });
  await gateway.close();
}

await measureKey("rates", null);
await measureKey("rates and a budget", 8e15);
