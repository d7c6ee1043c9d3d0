// Requests whose answer may be given again, in each dialect, and the answers to them.
import { request } from "../../kit/raw-client.ts";
import { type Arrived, type RawUpstream, sendStream, sendWhole } from "../../kit/raw-upstream.ts";
import { type DialectName, type Recording, SSE_RECORDINGS } from "../../kit/recordings.ts";

/** A request with temperature 0 in the recording's dialect, for `model` as the client names it. */
export function repeatable(recording: Recording, isStream: boolean, model: string, prompt = "go") {
  const { dialect, family } = recording;
  const more: Record<DialectName, object> = {
    "openai-chat": { temperature: 0 },
    "openai-responses": { temperature: 0, store: false },
    "anthropic-messages": { temperature: 0 },
    gemini: { generationConfig: { temperature: 0 } },
  };
  const body = { ...(JSON.parse(recording.body(isStream)) as object), ...more[dialect] };
  const path = isStream ? recording.streamPath : recording.wholePath;
  const text = JSON.stringify(family === "gemini" ? body : { ...body, model }).replace('"go"', `"${prompt}"`);
  return { path: path.replace("gemini-3-flash", model), body: text };
}

/** The recording's answer, from a provider that keeps no responses. */
function piecesOf(recording: Recording, isStream: boolean): readonly string[] {
  const pieces = isStream ? recording.frames : [recording.whole];
  return pieces.map((piece) => piece.replaceAll('"object":"response"', '"object":"response","store":false'));
}

/** The recording of the dialect that a request at this path is in. */
function spokenAt(target: string): Recording {
  const found = SSE_RECORDINGS.find(({ dialect }) =>
    dialect === "gemini" ? target.includes(":") : target.includes(`/${PATH_OF[dialect]}`),
  );
  if (found === undefined) throw new Error(`no dialect is spoken at ${target}`);
  return found;
}

const PATH_OF = {
  "openai-chat": "chat/completions",
  "openai-responses": "responses",
  "anthropic-messages": "messages",
};

/** Answers every request well, in its dialect and form. `mark` stands in the text of the answer. */
export async function answerWell(arrived: Arrived, mark = "", type?: string, own?: Recording): Promise<void> {
  if (arrived.method === "GET") {
    await sendWhole(arrived, '{"data":[]}');
    return;
  }
  const recording = own ?? spokenAt(arrived.target);
  const isStream = arrived.target.includes("streamGenerate") || arrived.body.includes('"stream":true');
  const pieces = piecesOf(recording, isStream).map((piece) =>
    piece.replaceAll("The clew", `The clew${mark}`),
  );
  if (isStream) await sendStream(arrived, pieces, type ?? recording.streamType);
  else await sendWhole(arrived, pieces[0] as string);
}

/** Requests for answers, apart from those for lists of models. */
export function made({ seen }: RawUpstream): number {
  return seen.filter(({ method }) => method === "POST").length;
}

/** Asks once, and returns the reply with what the upstream saw of it. */
export async function ask(
  port: number,
  upstream: RawUpstream,
  { path, body }: { readonly path: string; readonly body: string },
  headers: Readonly<Record<string, string>> = {},
  key?: string,
) {
  const before = made(upstream);
  const reply = await request(port, path, { body, headers, ...(key === undefined ? {} : { key }) });
  return {
    ...reply,
    cache: reply.headers.get("x-clewline-cache"),
    isMade: made(upstream) > before,
    id: reply.headers.get("x-request-id"),
  };
}
