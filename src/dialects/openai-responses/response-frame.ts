/** The response object: the output, and around it members that mostly repeat the request. */
import type { EncodeReplyOptions } from "../codec.ts";
import { replyContextOf } from "./reply-context.ts";

/** The gateway stores nothing, whatever the client asked. */
const CONSTANT = '"background":false,"completed_at":null,"previous_response_id":null,"store":false';

/** The members that change while a response is made. */
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

/** Writes the response's states as JSON text. The members that do not change are turned into text once. */
export class ResponseFrame {
  readonly id: string;
  readonly #head: string;
  readonly #repeated: string;

  constructor(options: EncodeReplyOptions) {
    this.id = `resp_${options.idSeed}`;
    const head = { id: this.id, object: "response", created_at: options.createdAtS };
    this.#head = JSON.stringify(head).slice(0, -1);
    const { members } = replyContextOf(options.replyContext);
    const repeated = JSON.stringify(members).slice(1, -1);
    this.#repeated = `${CONSTANT},"model":${JSON.stringify(options.model)},${repeated}`;
  }

  write({ status, error, incompleteReason, output, usage }: ResponseState): string {
    const details = incompleteReason === null ? "null" : `{"reason":"${incompleteReason}"}`;
    return (
      `${this.#head},"status":"${status}","error":${JSON.stringify(error)},"incomplete_details":${details},` +
      `${this.#repeated},"output":[${output.join(",")}],"usage":${JSON.stringify(usage)}}`
    );
  }
}
