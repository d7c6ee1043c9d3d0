/** `clewline test MODEL`: asks the running gateway for one answer, as a client does, and says what became of it. */
import type { Config } from "../config/config.ts";
import { findConfigFile } from "../config/file.ts";
import { loadConfig } from "../config/load.ts";
import { isObject, type JsonObject } from "../core/json.ts";
import { requestLineOf } from "../ledger/lines/request-line.ts";
import { readRows } from "../ledger/queries.ts";
import type { LedgerRow } from "../ledger/row.ts";
import { openStoreReader } from "../ledger/store-file.ts";
import { StoreError } from "../store/sql.ts";
import { SseReader } from "../wire/sse-reader.ts";
import { type CliIo, EXIT } from "./cli.ts";
import { makeCommand, UsageError } from "./command.ts";
import { requestText } from "./request-text.ts";
import { runningIn } from "./running.ts";

const PROMPT = "Say hello in one short sentence.";
/** Models that think before they say something need more than the sentence. */
const MAX_TOKENS = 512;
const MAX_EVENT_BYTES = 1024 * 1024;
/** What is shown of something that is no answer. */
const MAX_SHOWN_CHARS = 120;
/** No model says so much with so few tokens: its server does not heed the limit. */
const MAX_TEXT_CHARS = 64 * 1024;

export const test = makeCommand(
  {
    name: "test",
    usage: ["MODEL [--prompt TEXT] [--url URL] [--config FILE]"],
    about: `Asks the running gateway for one answer of a model, as a client does, and shows it with credential, tokens, cost and time.
The answer costs what the model's provider takes for it.`,
    positionals: { MODEL: "the model, as clients name it" },
    flags: {
      prompt: { value: "TEXT", help: `what the model is asked (else: ${PROMPT})` },
      url: {
        value: "URL",
        help: "the gateway (else the one that runs, or the address in the configuration)",
      },
      config: { value: "FILE", help: "the configuration of the gateway" },
    },
    notes: `The client key is that of the variable CLEWLINE_KEY. "clewline check --live" looks at upstreams and their keys without a cost.
Exit code: 0 there is an answer, 1 there is none, 2 wrong usage, 78 wrong configuration.`,
  },
  async ({ flags, positionals }, io) => {
    const [model = "", ...more] = positionals;
    if (model === "" || more.length > 0) throw new UsageError("test needs one MODEL, as clients name it");
    const key = io.env.CLEWLINE_KEY ?? "";
    if (key === "")
      throw new UsageError(
        "CLEWLINE_KEY is not set; export it with a client key, such as the one that the first start has printed, or that of: clewline keys create test",
      );
    const config = await readConfig(flags.config, io);
    const url =
      flags.url?.replace(/(?<!\/)\/+$/, "") ?? runningIn(config.server.dataDir, io)?.url ?? urlOf(config);
    io.err(
      `One answer of ${model} is asked for at ${url}. It costs what the model's provider takes for it.\n`,
    );
    return await ask({ url, key, model, prompt: flags.prompt ?? PROMPT, config }, io);
  },
);

/** Without its secrets, which this shell may not be able to read. */
async function readConfig(named: string | undefined, io: CliIo): Promise<Config> {
  const options = {
    file: findConfigFile({ config: named }, io.env, io.cwd),
    env: io.env,
    flags: {},
    cwd: io.cwd,
  };
  return (await loadConfig({ ...options, needsSecrets: false })).config;
}

function urlOf({ server }: Config): string {
  const { host, port, tls, basePath } = server;
  if (port === 0)
    throw new UsageError("server.port is 0, so the log alone knows the port; name the gateway with --url");
  const shown = host === "0.0.0.0" || host === "::" ? "127.0.0.1" : host;
  return `${tls === null ? "http" : "https"}://${shown.includes(":") ? `[${shown}]` : shown}:${port}${basePath}`;
}

interface Asking {
  readonly url: string;
  readonly key: string;
  readonly model: string;
  readonly prompt: string;
  readonly config: Config;
}

async function ask({ url, key, model, prompt, config }: Asking, io: CliIo): Promise<number> {
  let reply: Response;
  try {
    reply = await fetch(`${url}/v1/chat/completions`, {
      method: "POST",
      headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
      body: JSON.stringify({
        model,
        stream: true,
        max_tokens: MAX_TOKENS,
        messages: [{ role: "user", content: prompt }],
      }),
    });
  } catch (cause) {
    io.err(
      `clewline test: no gateway answers at ${url} (${(cause as { code?: string }).code ?? "no connection"}); start it with "clewline", or name another address with --url\n`,
    );
    return EXIT.failed;
  }
  const failure = reply.ok ? await show(reply, io) : messageOf(await bodyOf(reply));
  const row = rowOf(config, reply.headers.get("x-request-id") ?? "");
  if (row !== null) io.err(`${requestText(requestLineOf(row, null), 1)}\n`);
  if (failure === null) return EXIT.ok;
  io.err(`clewline test: ${reply.ok ? "" : `status ${reply.status}: `}${failure}\n`);
  io.err(`  → ${repairFor(reply.status, row, config)}\n`);
  return EXIT.failed;
}

/** Prints the text as it comes; returns what broke it, or null. */
async function show(reply: Response, io: CliIo): Promise<string | null> {
  const reader = new SseReader(MAX_EVENT_BYTES);
  let failure: string | null = null;
  let chars = 0;
  let isAnswer = false;
  let said = "";
  const onEvent = (_name: string, data: string): void => {
    const event = parsed(data);
    if (event === null) return;
    if (event.error !== undefined) failure = messageOf(event);
    isAnswer ||= Array.isArray(event.choices) && event.choices.length > 0;
    const text = textOf(event);
    if (text !== "" && chars <= MAX_TEXT_CHARS) io.out(text);
    chars += text.length;
  };
  try {
    const decoder = new TextDecoder();
    for await (const bytes of reply.body as ReadableStream<Uint8Array>) {
      if (said.length < MAX_SHOWN_CHARS) said += decoder.decode(bytes, { stream: true });
      reader.push(bytes, onEvent);
      if (chars > MAX_TEXT_CHARS) throw new RangeError("too long");
    }
  } catch {
    failure ??= chars > MAX_TEXT_CHARS ? "the answer does not end" : "the answer broke off";
  }
  if (chars > 0) io.out("\n");
  else if (failure === null && !isAnswer) failure = noAnswer(said);
  else if (failure === null) io.err("The answer has no text: the model has spent its tokens on thinking.\n");
  return failure;
}

/** A server that says OK to everything is no model. */
function noAnswer(said: string): string {
  const shown = onOneLine(said).slice(0, MAX_SHOWN_CHARS);
  return shown === ""
    ? "the upstream has sent nothing, although with status 200"
    : `what the upstream has sent is no answer of a model, although with status 200: ${shown}`;
}

async function bodyOf(reply: Response): Promise<JsonObject> {
  return parsed(await reply.text()) ?? {};
}

function parsed(text: string): JsonObject | null {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : null;
  } catch {
    return null;
  }
}

function messageOf({ error }: JsonObject): string {
  const said = isObject(error) && typeof error.message === "string" ? error.message : "";
  return onOneLine(said) || "there is no reason given";
}

/** An upstream's words must not look like lines of the program's own. */
function onOneLine(said: string): string {
  return said.replace(/\s+/g, " ").trim();
}

/** Of an event of Chat Completions. */
function textOf({ choices }: JsonObject): string {
  const [choice] = Array.isArray(choices) ? choices : [];
  const delta = isObject(choice) ? choice.delta : null;
  return isObject(delta) && typeof delta.content === "string" ? delta.content : "";
}

/** null: this user cannot read the ledger, or it is that of another machine. */
function rowOf({ server }: Config, id: string): LedgerRow | null {
  try {
    const sql = openStoreReader(server.dataDir);
    try {
      return readRows(sql, { id }).next().value ?? null;
    } finally {
      sql.close();
    }
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    return null;
  }
}

/** Where to look next; what is wrong is in the gateway's own words before it. */
function repairFor(status: number, row: LedgerRow | null, { upstreams, file }: Config): string {
  if (status === 401 || status === 403)
    return 'look at CLEWLINE_KEY; "clewline keys" lists the keys and what each may do';
  if (upstreams.length === 0)
    return `there are no upstreams yet: add one in the admin ("clewline admin link" prints its address), or [[upstreams]] to ${file ?? "the configuration"}`;
  if (row === null) return "the log of the gateway says more";
  if (row.upstream !== null) return `clewline doctor --upstream ${row.upstream}`;
  return '"clewline explain" shows where a request goes, and "clewline credentials" what state each credential has';
}
