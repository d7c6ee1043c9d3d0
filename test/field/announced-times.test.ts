import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import fc from "fast-check";
import { FAMILIES } from "../../src/upstreams/index.ts";
import { endInWords } from "../../src/upstreams/limit-words.ts";
import { MAX_WAIT_MS, MIN_WAIT_MS } from "../../src/upstreams/reset-time.ts";
import { CLIENT_KEY, type Gateway, KEYS_TOML, startGateway, upstreamToml } from "../kit/gateway.ts";
import { type RawUpstream, sendWhole, startRawUpstream } from "../kit/raw-upstream.ts";
import { ANNOUNCED_TIMES, type AnnouncedTime, NO_TIMES } from "./announced-times-table.ts";
import { describeKind } from "./kind.ts";
import { kind } from "./kinds/announced-times.ts";

const NOW = Date.parse("2026-11-29T10:00:00Z");

function signalOf(row: AnnouncedTime, nowMs: number) {
  const { headers, body } = row.reply(nowMs);
  return FAMILIES[row.family].classify({
    status: 429,
    headers: new Headers(headers),
    body: JSON.stringify(body),
    nowMs,
    model: "m",
  });
}

describeKind(kind, () => {
  describe("the table of servers and forms", () => {
    for (const row of ANNOUNCED_TIMES) {
      test(`reported: ${row.server}: ${row.form} (${row.family})`, () => {
        const signal = signalOf(row, NOW);
        expect(["rate", "quota"]).toContain(signal.class);
        expect(signal).not.toHaveProperty("isGuess");
        const { untilMs } = signal as { untilMs: number };
        expect((untilMs - NOW) / 1_000).toBeCloseTo(Math.max(row.waitS, 1), 3);
      });
    }

    for (const text of NO_TIMES) {
      test(`no end is read from: ${text}`, () => expect(endInWords(text, NOW)).toBeNull());
    }

    test("a message that repeats many times of a long request is searched for a few of them", () => {
      let searches = 0;
      const isRepeated = (): boolean => {
        searches += 1;
        return true;
      };
      for (const words of ["try again in 1s. ", "resets at 2026-12-31 18:00 UTC. ", "reached|1796000000 "]) {
        searches = 0;
        expect(endInWords(words.repeat(500), NOW, isRepeated)).toBeNull();
        expect(searches).toBeWithin(1, 33);
      }
    });

    test("a reset that is over, and one of a bucket with something left, do not count", () => {
      const headers = {
        "retry-after": "Sun, 29 Nov 2026 09:00:00 GMT",
        "x-ratelimit-remaining-requests": "0",
        "x-ratelimit-reset-requests": String(NOW / 1_000 - 5),
        "x-ratelimit-remaining-tokens": "17",
        "x-ratelimit-reset-tokens": "1h",
      };
      const signal = FAMILIES.openai.classify({
        status: 429,
        headers: new Headers(headers),
        body: "{}",
        nowMs: NOW,
        model: "m",
      });
      expect(signal).toMatchObject({ class: "rate", isGuess: true });
    });
  });

  describe("a good reply with nothing left", () => {
    const isGood = ({ reply }: AnnouncedTime): boolean =>
      Object.entries(reply(NOW).headers ?? {}).some(
        ([name, value]) => value === "0" && name.includes("ratelimit") && name.includes("remaining"),
      );
    for (const row of ANNOUNCED_TIMES.filter(isGood)) {
      test(`rests as long as after a refused one: ${row.server}: ${row.form}`, () => {
        const { headers } = row.reply(NOW);
        const { rooms } = FAMILIES[row.family].roomOf(new Headers(headers), NOW) ?? { rooms: [] };
        const ends = rooms.flatMap(({ remaining, resetAtMs }) => (remaining === 0 ? (resetAtMs ?? []) : []));
        expect((Math.max(...ends) - NOW) / 1_000).toBeCloseTo(row.waitS, 3);
      });
    }
  });

  describe("properties", () => {
    const part = fc.record({
      hours: fc.integer({ min: 0, max: 99 }),
      minutes: fc.integer({ min: 0, max: 59 }),
      seconds: fc.integer({ min: 1, max: 59 }),
    });
    type Parts = { hours: number; minutes: number; seconds: number };
    const printed: readonly ((parts: Parts) => string)[] = [
      ({ hours, minutes, seconds }) => `Please try again in ${hours}h${minutes}m${seconds}s.`,
      ({ hours, minutes, seconds }) =>
        `Try again in ${hours} hours, ${minutes} minutes and ${seconds} seconds`,
      ({ hours, minutes, seconds }) =>
        `Please wait ${hours} hrs ${minutes} min ${seconds} sec before retrying`,
      ({ hours, minutes, seconds }) => `Please retry after ${(hours * 60 + minutes) * 60 + seconds} seconds.`,
      ({ hours, minutes, seconds }) => `retry_after=${(hours * 60 + minutes) * 60 + seconds}`,
      ({ hours, minutes, seconds }) => `(resets in ${hours * 60 + minutes}m${seconds}s)`,
      ({ hours, minutes, seconds }) => `${hours}小时${minutes}分${seconds}秒后重试`,
      ({ hours, minutes, seconds }) => `请等待 ${hours} 小时 ${minutes} 分钟 ${seconds} 秒`,
    ];

    test("a wait in any of the forms is read back", () => {
      fc.assert(
        fc.property(part, fc.constantFrom(...printed), (parts, print) => {
          const waitMs = ((parts.hours * 60 + parts.minutes) * 60 + parts.seconds) * 1_000;
          expect(endInWords(`Limit: 5 per 10 minutes. ${print(parts)}`, NOW)).toBe(NOW + waitMs);
        }),
      );
    });

    test("a moment in any of the forms is read back", () => {
      const months = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");
      const two = (value: number): string => String(value).padStart(2, "0");
      const forms: readonly ((at: Date) => string)[] = [
        (at) => `resets at ${at.toISOString()}`,
        (at) => `The quota will reset at ${at.toISOString().slice(0, 16).replace("T", " ")} UTC`,
        (at) => `available on ${at.toUTCString()}`,
        (at) => `retry after ${at.getTime() / 1_000}`,
        (at) =>
          `resets ${months[at.getUTCMonth()]} ${at.getUTCDate()}, ${at.getUTCFullYear()} at ${two(at.getUTCHours())}:${two(at.getUTCMinutes())} (UTC)`,
        (at) =>
          `将于 ${at.getUTCFullYear()}年${at.getUTCMonth() + 1}月${at.getUTCDate()}日 ${two(at.getUTCHours())}:${two(at.getUTCMinutes())} UTC 重置`,
      ];
      const minute = fc.integer({ min: 1, max: 40 * 1_440 });
      fc.assert(
        fc.property(minute, fc.constantFrom(...forms), (minutes, print) => {
          const atMs = NOW + minutes * 60_000;
          expect(endInWords(print(new Date(atMs)), NOW)).toBe(atMs);
        }),
      );
    });

    test("garbage never throws, and gives no time outside a second to 31 days", () => {
      const word = fc.oneof(
        fc.string(),
        fc.constantFrom(
          "try again in",
          "resets at",
          "后",
          "重置",
          "请在",
          "1e99",
          "9".repeat(40),
          "(UTC)",
          "|",
        ),
        fc.integer().map(String),
        fc.constantFrom("s", "h", "秒", "小时", "-", ":", "pm", "Jan", "2026-13-45 99:99"),
      );
      const text = fc.array(word, { maxLength: 12 }).map((words) => words.join(" "));
      const name = fc.constantFrom("retry_after", "resets_at", "retryDelay", "reset", "wait");
      const header = fc.constantFrom(
        "retry-after",
        "x-ratelimit-reset",
        "x-ratelimit-reset-tokens",
        "ratelimit",
      );
      const value = fc.stringMatching(/^[\x21-\x7e]{0,40}$/);
      fc.assert(
        fc.property(
          fc.constantFrom(...Object.values(FAMILIES)),
          text,
          name,
          fc.oneof(text, fc.double(), fc.jsonValue()),
          header,
          value,
          (family, message, member, content, headerName, headerValue) => {
            const body = JSON.stringify({
              error: { message, [member]: content, metadata: { headers: content } },
            });
            const headers = new Headers({ [headerName]: headerValue });
            const signal = family.classify({ status: 429, headers, body, nowMs: NOW, model: "m" });
            if (!("untilMs" in signal)) return;
            expect(signal.untilMs).toBeGreaterThanOrEqual(NOW + MIN_WAIT_MS);
            expect(signal.untilMs).toBeLessThanOrEqual(NOW + MAX_WAIT_MS);
          },
        ),
      );
    });

    test("a long message of any kind is read in a moment", () => {
      for (const unit of ["1,000", "again ", "5 ", "2026-01-01   ", "reset", "1时", "   ", "("]) {
        const startedMs = performance.now();
        endInWords(unit.repeat(4_000 / unit.length), NOW);
        expect(performance.now() - startedMs).toBeLessThan(500);
      }
    });
  });

  describe("through a gateway", () => {
    let upstream: RawUpstream;
    let gateway: Gateway;
    beforeAll(async () => {
      upstream = await startRawUpstream((request) => {
        const row = ANNOUNCED_TIMES[Number(/^\/r(\d+)\//.exec(request.target)?.[1])] as AnnouncedTime;
        const { headers, body } = row.reply(Math.floor(Date.now() / 1_000) * 1_000);
        const type = { "content-type": "application/json" };
        return sendWhole(request, JSON.stringify(body), { ...type, ...headers }, "429 Too Many Requests");
      });
      const upstreams = ANNOUNCED_TIMES.map(({ family }, at) =>
        upstreamToml(`u${at}`, family, `${upstream.url}/r${at}${family === "openai" ? "/v1" : ""}`),
      );
      gateway = await startGateway({ toml: [KEYS_TOML, ...upstreams].join("\n") });
    });
    afterAll(async () => {
      await gateway.close();
      await upstream.close();
    });

    const ask = (at: number): Promise<Response> =>
      fetch(`${gateway.url}/v1/chat/completions`, {
        method: "POST",
        headers: { authorization: `Bearer ${CLIENT_KEY}`, "content-type": "application/json" },
        body: JSON.stringify({ model: `u${at}/m`, messages: [{ role: "user", content: "hi" }] }),
      });

    test("clients are told the time of each row, and nobody asks before it", async () => {
      for (const [at, { server, form, waitS }] of ANNOUNCED_TIMES.entries()) {
        await (await ask(at)).text();
        const asked = upstream.seen.length;
        const refused = await ask(at);
        await refused.text();
        const toldS = Number(refused.headers.get("retry-after"));
        const off = { server, form, toldS, asked: upstream.seen.length - asked, status: refused.status };
        // Some forms end at a full minute.
        const slackS = waitS >= 3_600 ? 62 : 3;
        expect({ ...off, toldS: Math.abs(toldS - waitS) <= slackS }).toEqual({
          server,
          form,
          toldS: true,
          asked: 0,
          status: 429,
        });
      }
    }, 60_000);
  });
});
