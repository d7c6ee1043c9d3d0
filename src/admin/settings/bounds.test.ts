import { expect, test } from "bun:test";
import { parseToml } from "../../config/toml/toml.ts";
import { AdminError } from "../admin-error.ts";
import { refuseBeyondBounds } from "./bounds.ts";

const upstream = (url: string | null, key = "sk-literal-0123456789"): string =>
  `[[upstreams]]\nname = "a"\nfamily = "openai"\n${url === null ? "" : `base_url = ${JSON.stringify(url)}\n`}[[upstreams.credentials]]\nname = "main"\napi_key = "${key}"\n`;

/** The path at which the change is refused; null: it is not. */
function refusalOf(before: string, after: string, allowsPrivate = false): string | null {
  try {
    refuseBeyondBounds(parseToml(before).root, parseToml(after).root, allowsPrivate);
    return null;
  } catch (error) {
    if (!(error instanceof AdminError)) throw error;
    expect(error.kind).toBe("invalid");
    return error.options.path ?? "";
  }
}

const PRIVATE = [
  "http://127.0.0.1:11434",
  "http://127.1/v1",
  "http://2130706433/",
  "http://0x7f000001/",
  "http://0177.0.0.1/",
  "http://0/",
  "https://10.0.0.1/v1",
  "https://172.16.0.1",
  "https://192.168.1.1",
  "http://169.254.169.254/latest/meta-data",
  "http://100.100.100.200/",
  "http://168.63.129.16/",
  "http://[::1]:8080/",
  "http://[::]/",
  "http://[::ffff:127.0.0.1]/",
  "http://[::ffff:7f00:1]/",
  "http://[64:ff9b::7f00:1]/",
  "http://[fe80::1]/",
  "http://[fd00:ec2::254]/",
  "http://localhost:1234/v1",
  "http://LOCALHOST./",
  "http://app.localhost/",
  "http://metadata.google.internal/",
  "http://printer.local/",
  "http://ollama:11434",
];

test("no address that only the machine or its network can reach is taken, in whichever form", () => {
  for (const url of PRIVATE) {
    for (const before of [upstream("https://api.example.com/v1"), upstream(null), ""])
      expect([url, refusalOf(before, upstream(url))]).toEqual([url, "upstreams[0].base_url"]);
    expect([url, refusalOf("", upstream(url), true)]).toEqual([url, null]);
    // What the file has by hand stays, with another path as well.
    expect([url, refusalOf(upstream(url), upstream(new URL("/other", url).href))]).toEqual([url, null]);
  }
  expect(refusalOf("", upstream("https://api.example.com/v1"))).toBeNull();
  expect(refusalOf("", upstream("http://8.8.8.8/"))).toBeNull();
});

test("a secret of a variable or a file is sent to no other address", () => {
  for (const key of ["env:KEY", "file:/run/key"]) {
    const before = upstream("https://api.example.com/v1", key);
    const evil = "https://evil.example/v1";
    expect(refusalOf(before, upstream(evil, key))).toBe("upstreams[0].base_url");
    expect(refusalOf(upstream(null, key), upstream(evil, key))).toBe("upstreams[0].base_url");
    // Also under another name, or beside what was there.
    expect(refusalOf(before, `${before}${upstream(evil, key).replace('"a"', '"b"')}`)).toBe(
      "upstreams[1].base_url",
    );
    expect(refusalOf(before, upstream("https://api.example.com/v2", key))).toBeNull();
    expect(refusalOf(before, upstream(null, key))).toBeNull();
    expect(refusalOf(before, upstream(evil))).toBeNull();
  }
});

test("what allows private addresses is set in the file alone", () => {
  for (const table of ["admin", "alerts"]) {
    const on = `[${table}]\nallow_private = true\n`;
    expect(refusalOf("", on)).toBe(`${table}.allow_private`);
    expect(refusalOf(on, on)).toBeNull();
    expect(refusalOf(on, "")).toBeNull();
  }
});

const mail = (host: string, more = ""): string =>
  `[[alerts.channels]]\nname = "ops"\nkind = "email"\nhost = "${host}"\npassword = "env:SMTP"\n${more}`;

test("the secret of a channel is sent to no other server, and one that may be private stays where it is", () => {
  expect(refusalOf(mail("smtp.example.com"), mail("smtp.evil.example"))).toBe("alerts.channels[0].host");
  expect(refusalOf(mail("smtp.example.com"), mail("smtp.example.com", "port = 2525"))).toBe(
    "alerts.channels[0].host",
  );
  expect(refusalOf(mail("smtp.example.com"), mail("smtp.example.com", 'user = "me"'))).toBeNull();
  const allowed = "allow_private = true";
  expect(refusalOf("", mail("10.0.0.1", allowed))).toBe("alerts.channels[0].allow_private");
  expect(refusalOf(mail("10.0.0.1"), mail("10.0.0.1", allowed))).toBe("alerts.channels[0].allow_private");
  expect(refusalOf(mail("10.0.0.1", allowed), mail("10.0.0.2", allowed))).toBe(
    "alerts.channels[0].allow_private",
  );
  expect(refusalOf(mail("10.0.0.1", allowed), mail("10.0.0.1", `${allowed}\nuser = "me"`))).toBeNull();
  const bot = (url: string): string =>
    `[[alerts.channels]]\nname = "bot"\nkind = "telegram"\ntoken = "file:/run/token"\n${url}`;
  expect(refusalOf(bot(""), bot('url = "https://evil.example/"'))).toBe("alerts.channels[0].url");
});

test.each(["headers", "query"])("a reference in %s is not sent to another address either", (list) => {
  const members = `${list} = [{ name = "x-team", value = "env:TEAM" }]\n`;
  const at = (url: string): string =>
    upstream(url).replace("[[upstreams.credentials]]", `${members}[[upstreams.credentials]]`);
  expect(refusalOf(at("https://llm.company.example/v1"), at("https://evil.example/v1"))).toBe(
    "upstreams[0].base_url",
  );
  expect(refusalOf(at("https://llm.company.example/v1"), at("https://llm.company.example/v2"))).toBeNull();
});
