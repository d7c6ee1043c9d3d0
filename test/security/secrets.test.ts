/** P8: an upstream repeats the credential in all places and encodings, and nobody gets to see it. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { keyOf, WAYS, type Way, wayOf } from "../faults/asking.ts";
import { askCell, CELLS, UPSTREAMS } from "../flow/translated.ts";
import { CLIENT_KEY, type Gateway, KEYS_TOML, startGateway, upstreamToml } from "../kit/gateway.ts";
import { request as rawRequest } from "../kit/raw-client.ts";
import {
  type Answering,
  type Arrived,
  chunkOf,
  LAST_CHUNK,
  type RawUpstream,
  replyHead,
  sendStream,
  sendWhole,
  startRawUpstream,
} from "../kit/raw-upstream.ts";
import type { Recording } from "../kit/recordings.ts";

const CANARY = "sk-proj-canary/91d2+c3b4_a5f60718-7f3a91c2d4e5b6a7";

/** How an upstream may write it. */
const FORMS: Readonly<Record<string, (key: string) => string>> = {
  "as it is": (key) => key,
  "for a URL": encodeURIComponent,
  "as base64": (key) => Buffer.from(key).toString("base64"),
  "within base64": (key) => Buffer.from(`user:${key};`).toString("base64url"),
  "as hexadecimal digits": (key) => Buffer.from(key).toString("hex"),
  "as entities": (key) => Array.from(key, (char) => `&#${char.charCodeAt(0)};`).join(""),
  "with blanks": (key) => Array.from(key).join(" "),
  "one half": (key) => key.slice(0, key.length / 2),
};
const ALL_FORMS = Object.values(FORMS);

let upstream: RawUpstream;
let gateway: Gateway;

beforeAll(async () => {
  upstream = await startRawUpstream(() => undefined, { lists: "apart" });
  const credentials = { main: CANARY };
  gateway = await startGateway({
    toml: [
      '[log]\nlevel = "debug"',
      KEYS_TOML,
      ...Object.entries(UPSTREAMS).map(([name, { family, lines }]) =>
        upstreamToml(name, family, family === "openai" ? `${upstream.url}/v1` : upstream.url, {
          lines,
          credentials,
        }),
      ),
    ].join("\n"),
  });
});
afterAll(async () => {
  await gateway?.close();
  await upstream?.close();
});

/** The forms of the canary that a text holds. A good part of it is as bad as the whole. */
function leaksIn(text: string): string[] {
  const words = text.toLowerCase();
  return Object.entries(FORMS)
    .filter(([name, form]) => {
      const shown = form(CANARY);
      const part = name === "one half" ? shown : shown.slice(4, -4);
      return words.includes(part.toLowerCase());
    })
    .map(([name]) => name);
}

/** The head and body of an answer, as the client gets them. */
async function told(recording: Recording, isStream: boolean, model: string): Promise<string> {
  const path = (isStream ? recording.streamPath : recording.wholePath).replace(recording.model, model);
  const body = recording.body(isStream).replace(`"${recording.model}"`, JSON.stringify(model));
  const reply = await rawRequest(gateway.port, path, { key: CLIENT_KEY, body });
  return reply.raw.toString();
}

const OWN_MODEL: Readonly<Record<string, string>> = Object.fromEntries(
  Object.entries(UPSTREAMS).map(([dialect, { model }]) => [dialect, model]),
);

async function tellAll(): Promise<string[]> {
  const own = WAYS.map(({ recording, isStream }) =>
    told(recording, isStream, OWN_MODEL[recording.dialect] as string),
  );
  const others = CELLS.flatMap((cell) =>
    [true, false].map(async (isStream) => (await askCell(gateway, cell, isStream)).raw.toString()),
  );
  return Promise.all([...own, ...others]);
}

const words = (key: string): string => ALL_FORMS.map((form) => form(key)).join(" and ");
const headers = (key: string): Record<string, string> => ({
  "content-type": "application/json",
  ...Object.fromEntries(
    ALL_FORMS.map((form, n) => [`x-echo-${n}`, `Bearer ${form(key).replaceAll("\n", " ")}`]),
  ),
  "www-authenticate": `Bearer realm="${key}"`,
  "x-request-id": key,
  "openai-organization": key,
});

const errorOf = (way: Way, message: string): object =>
  way.recording.dialect === "gemini"
    ? { error: { code: 400, message, status: "INVALID_ARGUMENT" } }
    : { type: "error", error: { type: "invalid_request_error", code: "invalid_prompt", message } };

function errorFrame(way: Way, message: string, isFirst: boolean): string {
  const data = JSON.stringify(errorOf(way, message));
  if (way.recording.streamType.includes("json")) return `${isFirst ? "[" : ","}${data}]`;
  const name = way.recording.dialect === "openai-responses" || way.recording.dialect === "anthropic-messages";
  return `${name ? "event: error\n" : ""}data: ${data}\n\n`;
}

/** A good stream under these headers. */
async function sendFrames(
  arrived: Arrived,
  { frames, streamType }: Recording,
  more: Record<string, string>,
): Promise<void> {
  await arrived.send(replyHead("200 OK", { ...more, "content-type": streamType }, "chunked"));
  for (const frame of frames) await arrived.send(chunkOf(frame));
  await arrived.send(LAST_CHUNK);
}

const PLACES: Readonly<Record<string, Answering>> = {
  "the headers of a good reply": (arrived) => {
    const { recording, isStream } = wayOf(arrived);
    return isStream
      ? sendFrames(arrived, recording, headers(keyOf(arrived)))
      : sendWhole(arrived, recording.whole, headers(keyOf(arrived)));
  },
  "the headers of a bad reply": (arrived) =>
    sendWhole(arrived, JSON.stringify(errorOf(wayOf(arrived), "no")), headers(keyOf(arrived)), "400 Bad"),
  "the body of a refusal": (arrived) =>
    sendWhole(
      arrived,
      JSON.stringify(errorOf(wayOf(arrived), `Incorrect: ${words(keyOf(arrived))}.`)),
      { "content-type": "application/json" },
      "400 Bad",
    ),
  "the body of a failure": (arrived) =>
    sendWhole(arrived, `{"error":{"message":"${words(keyOf(arrived))}"}}`, {}, "500 Broken"),
  "an error before content": (arrived) => {
    const way = wayOf(arrived);
    return way.isStream
      ? sendStream(arrived, [errorFrame(way, words(keyOf(arrived)), true)], way.recording.streamType)
      : sendWhole(arrived, JSON.stringify(errorOf(way, words(keyOf(arrived)))));
  },
  "an error behind content": (arrived) => {
    const way = wayOf(arrived);
    if (!way.isStream) return sendWhole(arrived, way.recording.whole);
    const frames = way.recording.frames.slice(0, 4);
    return sendStream(
      arrived,
      [...frames, errorFrame(way, words(keyOf(arrived)), false)],
      way.recording.streamType,
    );
  },
  "the name of a coding": (arrived) =>
    sendWhole(arrived, "x", { "content-encoding": keyOf(arrived).replaceAll(/[^\w-]/g, "") }),
  "the address of a redirect": (arrived) =>
    sendWhole(
      arrived,
      "",
      { location: `https://${keyOf(arrived).replaceAll(/[^\w-]/g, "")}.example/` },
      "302 Found",
    ),
};

test("P8 a good answer passes as it is, whatever it says", async () => {
  upstream.answer = (arrived) => {
    const { recording } = wayOf(arrived);
    return sendWhole(arrived, recording.whole.replaceAll("gpt-4.1-2025", keyOf(arrived)));
  };
  const [chat] = WAYS;
  const text = await told((chat as Way).recording, false, OWN_MODEL["openai-chat"] as string);
  expect(leaksIn(text)).toContain("as it is");
});

describe("P8 an upstream repeats the credential in", () => {
  for (const [place, answer] of Object.entries(PLACES)) {
    test(place, async () => {
      upstream.answer = answer;
      for (const text of await tellAll()) expect([leaksIn(text), text]).toEqual([[], text]);
    }, 120_000);
  }
});

test("P8 neither the log nor the ledger has kept any of it", async () => {
  expect([leaksIn(gateway.log()), gateway.log()]).toEqual([[], gateway.log()]);
  const rows = await gateway.command("requests", "--json");
  expect(leaksIn(rows.out)).toEqual([]);
  const folder = join(gateway.folder, "data");
  for (const file of readdirSync(folder))
    expect([file, leaksIn(readFileSync(join(folder, file), "latin1"))]).toEqual([file, []]);
});
