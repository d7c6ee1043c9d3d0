/** The line of a request for people at a terminal. */
import { usdText } from "../core/money.ts";
import type { RequestLine } from "../core/request-lines/request-lines.ts";
import { formatCount, formatMs } from "./table.ts";

/** The words that say how a request ended, also where there is no colour. */
export const OUTCOME_WORDS: Readonly<Record<RequestLine["outcome"], string>> = {
  ok: "ok",
  error: "failed",
  client_left: "left",
  upstream_cut: "cut",
  refused: "refused",
};

const WIDEST_WORD = 7;

/** Behind the time: status, key, model and where it went, tokens, cost, duration, failovers, reason. */
export function requestText(line: RequestLine, times: number): string {
  const { status, outcome, key, asked, model, credential, failed, reason, errorKind } = line;
  const parts = [
    `${status} ${OUTCOME_WORDS[outcome].padEnd(WIDEST_WORD)}`,
    key ?? "-",
    `${asked ?? "-"}${placeOf(model, asked, credential)}`,
    line.inputTokens === null && line.outputTokens === null
      ? ""
      : `${formatCount(line.inputTokens)} in, ${formatCount(line.outputTokens)} out`,
    line.costNanoUsd === null ? "" : `$${usdText(line.costNanoUsd)}`,
    line.durationMs === null ? "" : formatMs(line.durationMs),
    failed.length === 0 ? "" : `${outcome === "ok" ? "after " : ""}${failuresText(failed)}`,
    outcome === "ok" ? "" : (reason ?? wordsOf(errorKind ?? "")),
    times > 1 ? `(${times} like this)` : "",
  ];
  return parts.filter((part) => part !== "").join("  ");
}

/** Failures of attempts whose names in the ledger are no words. */
const FAILURE_WORDS: Readonly<Record<string, string>> = {
  upstream_connect: "no connection",
  upstream_timeout: "no reply in time",
  upstream_cut: "broke off",
  upstream_garbage: "a reply without sense",
};

/** Each with the place before it, as in `up/main: no connection (3 times)`. */
function failuresText(failed: readonly string[]): string {
  const times = new Map<string, number>();
  for (const one of failed) times.set(one, (times.get(one) ?? 0) + 1);
  return [...times]
    .map(([one, count]) => {
      const text = withWords(one);
      return count === 1 ? text : `${text} (${count} times)`;
    })
    .join(", ");
}

/** Of `up/main: upstream_cut` or `up/main: bad 400`; names of upstreams and credentials stay as they are. */
function withWords(one: string): string {
  const at = one.lastIndexOf(": ");
  const start = at === -1 ? 0 : at + 2;
  const [kind = "", ...rest] = one.slice(start).split(" ");
  return one.slice(0, start) + [wordsOf(kind), ...rest].join(" ");
}

function wordsOf(kind: string): string {
  return FAILURE_WORDS[kind] ?? kind.replaceAll("_", " ");
}

/** ` → upstream/credential`, with the upstream's name of the model where it is another one. */
function placeOf(model: string | null, asked: string | null, credential: string | null): string {
  if (model === null) return "";
  const slash = model.indexOf("/");
  const [upstream, name] = [model.slice(0, slash), model.slice(slash + 1)];
  const isSame = asked === name || asked === model;
  return ` → ${upstream}${credential === null ? "" : `/${credential}`}${isSame ? "" : ` (${name})`}`;
}
