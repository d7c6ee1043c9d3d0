import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { DIRECT } from "../../config/network/via.ts";
import type { UpstreamRequest } from "../call.ts";
import { encodeRequestHead, parseDestination } from "./request-head.ts";

function head(changes: Partial<UpstreamRequest>): string {
  const request: UpstreamRequest = {
    url: "http://up.example/v1/messages?beta=true",
    method: "POST",
    headers: [],
    body: new Uint8Array(3),
    via: DIRECT,
    connectTimeoutMs: 1,
    firstByteTimeoutMs: 1,
    idleTimeoutMs: 1,
    waiting: null,
    ...changes,
  };
  return encodeRequestHead(request, parseDestination(request.url, DIRECT));
}

/** The same request with another URL: its first two lines. */
function lines(url: string): string[] {
  return head({ url, method: "GET", body: null }).split("\r\n").slice(0, 2);
}

describe("a request's head", () => {
  test("has the target, the host, the headers and the body's length", () => {
    expect(
      head({
        headers: [
          ["accept", "*/*"],
          ["x-api-key", "k"],
        ],
      }),
    ).toBe(
      "POST /v1/messages?beta=true HTTP/1.1\r\nhost: up.example\r\naccept: */*\r\nx-api-key: k\r\ncontent-length: 3\r\n\r\n",
    );
  });

  test("says nothing about a body that a method never has, and that there is none where one is expected", () => {
    expect(head({ method: "GET", body: null })).not.toContain("content-length");
    expect(head({ method: "POST", body: null })).toContain("content-length: 0\r\n");
  });

  test("leaves out what speaks about another connection", () => {
    const headers = [
      ["host", "evil"],
      ["content-length", "99"],
      ["connection", "close"],
      ["transfer-encoding", "chunked"],
      ["expect", "100-continue"],
      ["upgrade", "h2c"],
    ] as const;
    expect(head({ headers })).toBe(
      "POST /v1/messages?beta=true HTTP/1.1\r\nhost: up.example\r\ncontent-length: 3\r\n\r\n",
    );
  });

  test("names port and address as the URL does", () => {
    expect(lines("http://a.example:8080/x")).toEqual(["GET /x HTTP/1.1", "host: a.example:8080"]);
    expect(lines("https://a.example:443/x")).toEqual(["GET /x HTTP/1.1", "host: a.example"]);
    expect(lines("http://[::1]:8080/x")).toEqual(["GET /x HTTP/1.1", "host: [::1]:8080"]);
    expect(parseDestination("http://[::1]:8080/x", DIRECT).origin.hostname).toBe("::1");
    expect(parseDestination("https://a.example/", DIRECT).origin.port).toBe(443);
  });

  test("sends a path as it is, and always has one", () => {
    expect(lines("http://a.example")[0]).toBe("GET / HTTP/1.1");
    expect(lines("http://a.example?a=b")[0]).toBe("GET /?a=b HTTP/1.1");
    expect(lines("http://a.example/a%2Fb/../c:d?e=%20")[0]).toBe("GET /a%2Fb/../c:d?e=%20 HTTP/1.1");
    expect(lines("http://a.example/a#b")[0]).toBe("GET /a HTTP/1.1");
    expect(lines("http://a.example/ä b")[0]).toBe("GET /%C3%A4%20b HTTP/1.1");
  });

  test("cannot be split in two, whatever is in a URL, a method or a header", () => {
    const text = fc.string({
      unit: fc.constantFrom("a", "\r", "\n", "\r\n", " ", ":", "\0", "é", "\u2028", "/"),
    });
    fc.assert(
      fc.property(text, text, text, (path, method, value) => {
        const attempts = [
          () => head({ url: `http://a.example/${path}` }),
          () => head({ method: `GET${method}` }),
          () => head({ headers: [["x-value", value]] }),
          () => head({ headers: [[`x-${value}`, "v"]] }),
        ];
        for (const attempt of attempts) {
          let made: string;
          try {
            made = attempt();
          } catch {
            continue;
          }
          const written = made.split("\r\n");
          expect(made.replaceAll("\r\n", "")).not.toMatch(/[\r\n\0]/);
          expect(written.slice(-2)).toEqual(["", ""]);
          expect(written.length).toBeLessThanOrEqual(6);
          expect(written[0]).toMatch(/^[^ ]+ [^ ]+ HTTP\/1\.1$/);
        }
      }),
    );
  });

  test("is not made for a URL that is no upstream's", () => {
    for (const url of ["ftp://a/", "a.example", "http://", "http://user:secret@a.example/"]) {
      expect(() => head({ url })).toThrow("URL is not valid");
    }
  });
});
