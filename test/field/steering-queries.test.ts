import { afterAll, beforeAll, expect, test } from "bun:test";
import { asking, translatedToml, UPSTREAMS } from "../flow/translated.ts";
import { type Gateway, startGateway } from "../kit/gateway.ts";
import { request } from "../kit/raw-client.ts";
import { type RawUpstream, sendStream, sendWhole, startRawUpstream } from "../kit/raw-upstream.ts";
import { describeKind } from "./kind.ts";
import { kind } from "./kinds/steering-queries.ts";

/** Parameters that Google's and other servers read beside those of their APIs, in forms that servers unescape. */
const STEERING = [
  "alt=proto",
  "alt=media",
  "%61lt=proto",
  "$alt=proto",
  "callback=x",
  "fields=candidates",
  "access_token=ya29.x",
  "oauth_token=x",
  "prettyPrint=true",
  "quotaUser=bob",
  "$.xgafv=1",
  "upload_protocol=raw",
  "api_key=sk-x",
  "ALT=proto",
  "model=other%20model%26x",
];
const DOCUMENTED: Readonly<Record<string, string>> = {
  gemini: "alt=sse",
  "anthropic-messages": "beta=true",
  "openai-chat": "api-version=2025-04-01-preview",
  "openai-responses": "api-version=2025-04-01-preview",
};

const nameOf = (pair: string): string => decodeURIComponent(pair.split("=")[0] as string);

describeKind(kind, () => {
  let upstream: RawUpstream;
  let gateway: Gateway;
  beforeAll(async () => {
    upstream = await startRawUpstream(() => undefined);
    gateway = await startGateway({ toml: translatedToml(upstream.url) });
  });
  afterAll(async () => {
    await gateway.close();
    await upstream.close();
  });

  for (const [dialect, { recording, model }] of Object.entries(UPSTREAMS)) {
    test(`${dialect === "gemini" ? "reported: " : ""}${dialect} passes what its API documents, and names the rest`, async () => {
      const documented = DOCUMENTED[dialect] as string;
      upstream.answer = (arrived) =>
        /streamGenerate/.test(arrived.target)
          ? sendStream(arrived, recording.frames)
          : sendWhole(arrived, recording.whole);
      const ids: (string | undefined)[] = [];
      for (const steering of STEERING) {
        upstream.forget();
        const isStream = dialect === "gemini";
        const { path, body } = asking(recording, model, isStream);
        const plain = path.split("?")[0] as string;
        const reply = await request(gateway.port, `${plain}?${steering}&${documented}&key=x`, { body });
        ids.push(reply.headers.get("x-request-id"));
        const name = nameOf(steering);
        expect({
          steering,
          status: reply.status,
          queries: upstream.seen.map(({ target }) => target.split("?")[1]),
          named: reply.headers.get("x-clewline-dropped"),
        }).toEqual({
          steering,
          status: 200,
          queries: [documented],
          named: `?${name}`,
        });
      }
      const rows = (await gateway.rows()).filter(({ request_id }) => ids.includes(request_id));
      expect(rows.map(({ drops }) => drops?.map(({ field }) => field))).toEqual(
        STEERING.map((steering) => [`?${nameOf(steering)}`]),
      );
    });

    test(`${dialect}: a query of documented parameters alone is passed as it is, and nothing is named`, async () => {
      upstream.forget();
      const { path, body } = asking(recording, model, true);
      upstream.answer = (arrived) => sendStream(arrived, recording.frames);
      const plain = path.split("?")[0] as string;
      const reply = await request(gateway.port, `${plain}?${DOCUMENTED[dialect]}`, { body });
      expect(reply.status).toBe(200);
      expect(upstream.seen.map(({ target }) => target.split("?")[1])).toEqual([
        DOCUMENTED[dialect] as string,
      ]);
      expect(reply.headers.has("x-clewline-dropped")).toBe(false);
    });
  }
});
