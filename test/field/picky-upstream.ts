/** A provider that refuses requests for a reason of a test, and answers all others well. */
import { answerWell } from "../faults/asking.ts";
import type { Frame } from "../flow/translated.ts";
import { type Arrived, type RawUpstream, sendWhole, startRawUpstream } from "../kit/raw-upstream.ts";

/** What a provider refuses, and how. */
export interface Pickiness {
  readonly isRefused: (body: Frame) => boolean;
  /** The error body, or the message of a plain one. */
  readonly refusal: object | string;
  /** Status line; "400 Bad Request" when absent. */
  readonly status?: string;
}

export interface PickyUpstream extends RawUpstream {
  /** Forgets what it saw and refuses by other rules from now on. */
  refuse(...rules: readonly Pickiness[]): void;
  /** The bodies of the requests that came since; requests without a body are not among them. */
  bodies(): readonly Frame[];
}

export async function startPickyUpstream(): Promise<PickyUpstream> {
  const upstream = await startRawUpstream(() => undefined);
  const bodies = (): readonly Frame[] =>
    upstream.seen.filter(hasBody).map(({ body }) => JSON.parse(body.toString()) as Frame);
  return Object.assign(upstream, {
    bodies,
    refuse(...rules: readonly Pickiness[]): void {
      upstream.forget();
      upstream.answer = (arrived) => answerBy(rules, arrived);
    },
  });
}

/** The gateway may also ask for the list of models, or whether a key is good. */
function hasBody({ body }: Arrived): boolean {
  return body.length > 0;
}

async function answerBy(rules: readonly Pickiness[], arrived: Arrived): Promise<void> {
  if (!hasBody(arrived)) return await sendWhole(arrived, "{}", undefined, "404 Not Found");
  const body = JSON.parse(arrived.body.toString()) as Frame;
  const rule = rules.find(({ isRefused }) => isRefused(body));
  if (rule === undefined) return await answerWell(arrived);
  const { refusal, status = "400 Bad Request" } = rule;
  const error =
    typeof refusal === "string" ? { error: { message: refusal, type: "invalid_request_error" } } : refusal;
  await sendWhole(arrived, JSON.stringify(error), undefined, status);
}

/** The value at a path such as `messages.0.name`; undefined where there is none. */
export function valueAt(body: Frame, path: string): unknown {
  return path.split(".").reduce((value: Frame, step) => value?.[step], body);
}
