import { afterAll, beforeAll, expect, test } from "bun:test";
import { CLIENT_KEY, type Gateway, KEYS_TOML, startGateway } from "../kit/gateway.ts";
import { describeKind } from "./kind.ts";
import { kind } from "./kinds/spelled-paths.ts";

describeKind(kind, () => {
  let gateway: Gateway;
  beforeAll(async () => {
    const upstream = `[[upstreams]]\nname = "u"\nfamily = "openai"\nbase_url = "http://127.0.0.1:9/v1"`;
    gateway = await startGateway({
      toml: `${KEYS_TOML}\n${upstream}\n[[upstreams.credentials]]\nname = "c"\napi_key = "sk-none"`,
    });
  });
  afterAll(() => gateway.close());

  for (const path of ["/v1/models", "/models", "/v1beta/models", "/healthz", "/readyz"]) {
    test(`reported: GET ${path}/ is served like GET ${path}`, async () => {
      const ask = (one: string) =>
        fetch(gateway.url + one, { headers: { authorization: `Bearer ${CLIENT_KEY}` } });
      const [plain, slashed] = [await ask(path), await ask(`${path}/`)];
      expect(plain.status).toBe(200);
      expect(slashed.status).toBe(200);
      expect(await slashed.text()).toBe(await plain.text());
    });
  }
});
