/**
 * A gateway with three credentials at one upstream, and two clients: one whose requests the upstream refuses, and one whose
 * requests it answers.
 */
import { type Asked, answerWell, ask, keyOf, type Way } from "../faults/asking.ts";
import {
  CLIENT_KEY,
  type Gateway,
  KEYS_TOML,
  KNOWN_SERVERS_AT_LOCALHOST,
  startGateway,
  until,
  upstreamToml,
} from "../kit/gateway.ts";
import { type Arrived, type RawUpstream, sendWhole, startRawUpstream } from "../kit/raw-upstream.ts";
import { CHAT, type Recording } from "../kit/recordings.ts";

/** A refusal as a server sends it. A body that is no text is JSON. */
export interface Refusal {
  readonly status: number;
  readonly body: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

interface StageOptions {
  readonly family?: Recording["family"];
  readonly credentials?: readonly string[];
  /** Servers by their hosts that the upstream plays; see `known-servers-at-localhost.ts`. */
  readonly servers?: string;
  /** The upstream's answer to a request that asks no model. */
  readonly proof?: (request: Arrived) => Refusal | Promise<Refusal>;
}

/** What `clewline credentials --json` shows. */
export interface Shown {
  readonly name: string;
  readonly state: string;
  readonly reason: string | null;
  readonly until: string | null;
  readonly left_ms: number | null;
  readonly models: readonly { readonly model: string; readonly state: string }[];
}

const OTHER_KEY = `${CLIENT_KEY}-other`;
/** A header that the upstream sees, so that the test decides which requests are refused. */
const MARK = "x-mark";

export class RefusingStage {
  readonly upstream: RawUpstream;
  readonly gateway: Gateway;
  /** The refusal of requests that carry the mark; null: they are answered. */
  refusal: Refusal | null = null;
  /** In place of `refusal`: the refusals by the number in the mark. */
  refusals: readonly Refusal[] = [];
  /** Proofs that the upstream was asked for: their paths with the credential. */
  readonly proofs: string[] = [];

  private constructor(upstream: RawUpstream, gateway: Gateway) {
    this.upstream = upstream;
    this.gateway = gateway;
  }

  static async open(options: StageOptions = {}): Promise<RefusingStage> {
    const { family = "openai", credentials = ["one", "two", "three"], servers = "", proof } = options;
    const upstream = await startRawUpstream(() => undefined);
    const host = servers === "" ? upstream.url : upstream.url.replace("127.0.0.1", "localhost");
    const keys = Object.fromEntries(credentials.map((name) => [name, `sk-${name}-of-the-pool`]));
    const gateway = await startGateway({
      toml: [
        upstreamToml("u", family, family === "openai" ? `${host}/v1` : host, { credentials: keys }),
        KEYS_TOML,
        `[[keys]]\nname = "other"\nkey = "${OTHER_KEY}"\n`,
      ].join("\n"),
      env: { CLEWLINE_TEST_SERVERS: servers },
      preloads: servers === "" ? [] : [KNOWN_SERVERS_AT_LOCALHOST],
    });
    const stage = new RefusingStage(upstream, gateway);
    upstream.answer = async (request) => {
      if (request.method === "GET") {
        stage.proofs.push(`${request.target} ${keyOf(request)}`);
        return refuse(request, (await proof?.(request)) ?? { status: 404, body: {} });
      }
      const { refusal } = stage;
      const mark = request.headers.get(MARK);
      if (mark !== undefined && stage.refusals.length > 0)
        return refuse(request, stage.refusals[Number(mark) % stage.refusals.length] as Refusal);
      if (refusal !== null && mark !== undefined) return refuse(request, refusal);
      return answerWell(request);
    };
    return stage;
  }

  /** A client's request that the upstream refuses; `index`: by which of `refusals`. */
  refused(way: Way, model = way.recording.model, index = 0): Promise<Asked> {
    return ask(this.gateway.url, way, { model: `u/${model}`, headers: { [MARK]: String(index) } });
  }

  /** Another client's request, which the upstream answers. */
  answered(way: Way, model = way.recording.model): Promise<Asked> {
    return ask(this.gateway.url, way, {
      model: `u/${model}`,
      headers: { authorization: `Bearer ${OTHER_KEY}` },
    });
  }

  async credentials(): Promise<readonly Shown[]> {
    const { out } = await this.gateway.command("credentials", "--json");
    return out
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => JSON.parse(line) as Shown);
  }

  /** Makes all credentials ready again, in the running gateway too. */
  async reset(): Promise<void> {
    const names = (await this.credentials()).map(({ name }) => `u/${name}`);
    const reloads = (): number => this.gateway.log().split("the configuration was taken over").length;
    const before = reloads();
    const { out } = await this.gateway.command("credentials", "reset", ...names);
    if (out.includes("takes this over")) await until("the reset is taken over", () => reloads() > before);
  }

  async close(): Promise<void> {
    await this.gateway.close();
    await this.upstream.close();
  }
}

export const CHAT_WHOLE: Way = { name: "chat whole", recording: CHAT, isStream: false };

function refuse(request: Arrived, { status, body, headers }: Refusal): Promise<void> {
  const isText = typeof body === "string";
  const type = { "content-type": isText ? "text/html" : "application/json" };
  return sendWhole(request, isText ? body : JSON.stringify(body), { ...type, ...headers }, `${status} No`);
}
