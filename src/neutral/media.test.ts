import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { PROPERTY_RUNS } from "../../test/kit/arbitraries.ts";
import { parseDataUrl, plainMimeType, standardBase64, toDataUrl } from "./media.ts";

describe("data URLs", () => {
  test("H-101 come in upper case, with parameters, under old names and in the other alphabet", () => {
    const urls: Record<string, [mimeType: string, data: string]> = {
      "data:image/png;base64,AAAA": ["image/png", "AAAA"],
      "DATA:IMAGE/JPG;BASE64,AAAA": ["image/jpeg", "AAAA"],
      "data:image/png;charset=utf-8;name=a.png;base64,AAA=": ["image/png", "AAA="],
      "data:image/png;base64,A-_A": ["image/png", "A+/A"],
      "data:image/png;base64,AA": ["image/png", "AA=="],
      "data:image/png;base64,AA%3D%3D": ["image/png", "AA=="],
      "data:image/png;base64,AA AA\nAA==": ["image/png", "AAAAAA=="],
      "data:text/plain,a%20b": ["text/plain", btoa("a b")],
      "data:,hi": ["text/plain", btoa("hi")],
      "data:;base64,AAAA": ["text/plain", "AAAA"],
    };
    for (const [url, [mimeType, data]] of Object.entries(urls))
      expect(parseDataUrl(url)).toEqual({ mimeType, data });
  });

  test("are told from others, and from damaged ones", () => {
    const others = [
      "https://example.com/a.png",
      "data:image/png;base64",
      "data:image/png;base64,A",
      "data:image/png;base64,A*AA",
      "data:,%zz",
      "",
      "data:image/png;base64,AA==AA==",
    ];
    for (const url of others) expect(parseDataUrl(url)).toBeNull();
  });

  test("give back what was put into them", () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        const data = Buffer.from(bytes).toString("base64");
        expect(parseDataUrl(toDataUrl("image/png", data))).toEqual({ mimeType: "image/png", data });
        expect(parseDataUrl(`data:image/png;base64,${Buffer.from(bytes).toString("base64url")}`)?.data).toBe(
          data,
        );
      }),
      { numRuns: PROPERTY_RUNS },
    );
  });

  test("may hold 20 MB", () => {
    const data = "A".repeat(20 * 1024 * 1024);
    expect(parseDataUrl(`data:image/png;base64,${data}`)?.data.length).toBe(data.length);
  });
});

test("a media type has one name", () => {
  expect(plainMimeType(" Audio/X-WAV ; rate=16000")).toBe("audio/wav");
  expect(plainMimeType("application/pdf")).toBe("application/pdf");
});

test("base64 is standard base64 or nothing", () => {
  expect(standardBase64("")).toBe("");
  expect(standardBase64("====")).toBeNull();
  expect(standardBase64("AAA==")).toBe("AAA=");
});
