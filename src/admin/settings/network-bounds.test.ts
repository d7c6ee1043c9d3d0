import { expect, test } from "bun:test";
import { parseToml } from "../../config/toml/toml.ts";
import { AdminError } from "../admin-error.ts";
import { refuseBeyondBounds } from "./bounds.ts";

const SECRET = "hunter2word";

function fileOf({
  network = "",
  upstream = "",
  credential = "",
  url = "https://api.example.com/v1",
}): string {
  return `[network]\n${network}\n[[upstreams]]\nname = "a"\nfamily = "openai"\nbase_url = "${url}"\n${upstream}\n[[upstreams.credentials]]\nname = "main"\napi_key = "env:KEY"\n${credential}\n`;
}

/** The path at which the change is refused; null: it is not. */
function refusalOf(before: string, after: string, allowsPrivate = false): string | null {
  try {
    refuseBeyondBounds(parseToml(before).root, parseToml(after).root, allowsPrivate);
    return null;
  } catch (error) {
    if (!(error instanceof AdminError)) throw error;
    expect(JSON.stringify([error.message, error.options])).not.toContain(SECRET);
    return error.options.path ?? "";
  }
}

const PLACES = [
  ["network", "network.proxy"],
  ["upstream", "upstreams[0].proxy"],
  ["credential", "upstreams[0].credentials[0].proxy"],
] as const;

test("a proxy leads to public addresses only, and stays what the file has", () => {
  for (const [place, path] of PLACES) {
    const line = (proxy: string) => ({ [place]: `proxy = "${proxy}"` });
    for (const host of [
      "127.0.0.1",
      "10.0.0.1:3128",
      "[::1]:80",
      "169.254.169.254",
      "0x7f.1",
      "2130706433",
      "proxy",
      "proxy.internal",
    ]) {
      for (const kind of ["http", "socks5h"]) {
        const after = fileOf(line(`${kind}://me:${SECRET}@${host}`));
        expect([host, refusalOf(fileOf({}), after)]).toEqual([host, path]);
        expect([host, refusalOf(fileOf({}), after, true)]).toEqual([host, null]);
        expect([host, refusalOf(after, after)]).toEqual([host, null]);
      }
    }
    for (const proxy of ["direct", "environment", "socks5://proxy.example:1080", "https://1.1.1.1"]) {
      expect([proxy, refusalOf(fileOf({}), fileOf(line(proxy)))]).toEqual([proxy, null]);
    }
  }
});

test("no new proxy reads what goes to an upstream of plain HTTP", () => {
  const url = "http://api.example.com/v1";
  for (const [place, path] of PLACES) {
    const line = { [place]: 'proxy = "http://proxy.example:3128"' };
    expect(refusalOf(fileOf({ url }), fileOf({ url, ...line }))).toBe(path);
    expect(refusalOf(fileOf({ url, ...line }), fileOf({ url, ...line }))).toBeNull();
    expect(refusalOf(fileOf({ url }), fileOf({ url, ...line }), true)).toBeNull();
  }
});

test("files and what guards private networks are set by hand", () => {
  for (const key of ["ca_file", "cert_file", "key_file"]) {
    const after = fileOf({ upstream: `${key} = "/etc/passwd"` });
    for (const allowsPrivate of [true, false])
      expect([key, refusalOf(fileOf({}), after, allowsPrivate)]).toEqual([key, `upstreams[0].${key}`]);
    expect(refusalOf(after, after)).toBeNull();
    expect(refusalOf(after, fileOf({}))).toBeNull();
  }
  const guarded = fileOf({ network: "proxy_refuses_private = true" });
  expect(refusalOf(fileOf({}), guarded, true)).toBe("network.proxy_refuses_private");
  expect([refusalOf(guarded, guarded), refusalOf(guarded, fileOf({}))]).toEqual([null, null]);
});
