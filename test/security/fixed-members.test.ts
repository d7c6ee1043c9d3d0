/** A45: a client cannot put its own value beside a fixed member of an upstream, however it writes the name. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { answerWell } from "../faults/asking.ts";
import { CLIENT_KEY, type Gateway, KEYS_TOML, startGateway, upstreamToml } from "../kit/gateway.ts";
import { request } from "../kit/raw-client.ts";
import { type RawUpstream, startRawUpstream } from "../kit/raw-upstream.ts";

let upstream: RawUpstream;
let gateway: Gateway;
beforeAll(async () => {
  upstream = await startRawUpstream((arrived) => answerWell(arrived), { lists: "apart" });
  gateway = await startGateway({
    toml:
      KEYS_TOML +
      upstreamToml("company", "openai", `${upstream.url}/v1`, {
        lines: [
          'dialects = ["openai-chat"]',
          'query_parameters = ["api-version"]',
          'headers = [{ name = "x-team-id", value = "search" }]',
          'query = [{ name = "api-version", value = "2026-01" }]',
          `body = [{ name = "provider", json = '"the company"' }]`,
        ].join("\n"),
      }),
  });
});
afterAll(async () => {
  await gateway?.close();
  await upstream?.close();
});
beforeEach(() => upstream.forget());

async function seenOf(search: string, headers: Record<string, string>, more: string, before = "") {
  const body = `${before}{"model":"m","messages":[{"role":"user","content":"hi"}]${more}}`;
  const all = { authorization: `Bearer ${CLIENT_KEY}`, "content-type": "application/json", ...headers };
  const { status } = await request(gateway.port, `/v1/chat/completions${search}`, { body, headers: all });
  expect(status).toBe(200);
  const [seen] = upstream.seen;
  if (seen === undefined) throw new Error("the upstream was not asked");
  return seen;
}

describe("A45 no client has its own", () => {
  test.each([
    "?api-version=mine",
    "?api%2Dversion=mine",
    "?%61pi-version=mine&api-version=mine",
    "?api-version",
  ])("parameter: %s", async (search) => {
    const { target } = await seenOf(search, {}, "");
    const query = [...new URLSearchParams(target.slice(target.indexOf("?")))];
    expect(query).toEqual([["api-version", "2026-01"]]);
  });

  test.each(["x-team-id", "X-Team-ID", "x_team_id", "X-Team_Id"])("header: %s", async (name) => {
    const { head } = await seenOf("", { [name]: "mine" }, "");
    expect(head).not.toContain("mine");
    expect(head.toLowerCase()).toContain("x-team-id: search");
  });

  test.each([
    ',"provider":"mine"',
    ',"provider":"mine","provider":"mine"',
    ',"pro\\u0076ider":"mine"',
    ',"Provider":"mine"',
    ',"provider":"mine","PROVIDER":"mine"',
  ])("member: %s", async (more) => {
    const { body } = await seenOf("", {}, more);
    expect(body.toString()).not.toContain("mine");
    expect(JSON.parse(body.toString()).provider).toBe("the company");
  });

  test.each([" ", "\r\n\t", "\ufeff", "\ufeff \n"])(
    "member, in a body that begins with %j",
    async (before) => {
      const { body } = await seenOf("", {}, ',"provider":"mine"', before);
      expect(body.toString()).not.toContain("mine");
      expect(body.toString()).toContain('"provider":"the company"');
    },
  );
});
