/** The response object: mostly an echo of the request, around the output. */
import { asObject, type JsonObject } from "../../wire/json.ts";
import type { EncodeReplyOptions } from "../codec.ts";

/** What the replies to a request depend on. */
export interface ResponsesEcho {
  /** Members of the request that its response repeats. */
  readonly members: JsonObject;
  /** The client searches its own tools: calls of `TOOL_SEARCH` are items of their own kind. */
  readonly searchesTools: boolean;
}

/** The name that a client's own search of its tools goes by as a function. */
export const TOOL_SEARCH = "tool_search";

/** Repeated as the client gave them, else with what the API shows in their place. */
const ECHOED: readonly (readonly [name: string, otherwise: unknown])[] = [
  ["instructions", null],
  ["max_output_tokens", null],
  ["max_tool_calls", null],
  ["metadata", {}],
  ["parallel_tool_calls", true],
  ["prompt_cache_key", null],
  ["safety_identifier", null],
  ["temperature", null],
  ["tool_choice", "auto"],
  ["tools", []],
  ["top_logprobs", 0],
  ["top_p", null],
  ["truncation", "disabled"],
  ["user", null],
];

/** Nothing is ever stored here, whatever the client asked. */
const CONSTANT =
  '"background":false,"completed_at":null,"conversation":null,"previous_response_id":null,"store":false';

/** Keeps the members of a request that are repeated. */
export function makeEcho(body: JsonObject, searchesTools: boolean): ResponsesEcho {
  const members: [string, unknown][] = [];
  for (const [name, otherwise] of ECHOED) members.push([name, body[name] ?? otherwise]);
  const reasoning = asObject(body.reasoning);
  const effort = reasoning?.effort ?? null;
  members.push(["reasoning", { effort, summary: reasoning?.summary ?? null }]);
  members.push(["service_tier", body.service_tier ?? "default"]);
  members.push(["text", { format: { type: "text" }, ...asObject(body.text) }]);
  return { members: Object.fromEntries(members), searchesTools };
}

const NO_ECHO = makeEcho({}, false);

/** What `decodeRequest` kept; a response without its request gets the API's defaults. */
export function echoOf(echo: unknown): ResponsesEcho {
  return asObject(asObject(echo)?.members) === null ? NO_ECHO : (echo as ResponsesEcho);
}

/** What changes in a response while it is made; JSON text. */
export interface ResponseState {
  readonly status: "in_progress" | "completed" | "incomplete" | "failed";
  readonly error: object | null;
  readonly incompleteReason: string | null;
  /** Items as JSON texts. */
  readonly output: readonly string[];
  readonly usage: object | null;
}

export const IN_PROGRESS: ResponseState = {
  status: "in_progress",
  error: null,
  incompleteReason: null,
  output: [],
  usage: null,
};

/** Writes the response's states as JSON text; what does not change is written once. */
export class ResponseFrame {
  readonly id: string;
  readonly #head: string;
  readonly #echo: string;

  constructor(options: EncodeReplyOptions) {
    this.id = `resp_${options.idSeed}`;
    const head = { id: this.id, object: "response", created_at: options.createdAtS };
    this.#head = JSON.stringify(head).slice(0, -1);
    const echo = JSON.stringify(echoOf(options.echo).members).slice(1, -1);
    this.#echo = `${CONSTANT},"model":${JSON.stringify(options.model)},${echo}`;
  }

  write({ status, error, incompleteReason, output, usage }: ResponseState): string {
    const details = incompleteReason === null ? "null" : `{"reason":"${incompleteReason}"}`;
    return (
      `${this.#head},"status":"${status}","error":${JSON.stringify(error)},"incomplete_details":${details},` +
      `${this.#echo},"output":[${output.join(",")}],"usage":${JSON.stringify(usage)}}`
    );
  }
}
