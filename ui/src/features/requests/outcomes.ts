import type { LiveEvents } from "../../../../src/admin/contract.ts";
import type { Tone } from "../../components/badge.tsx";
import type { Message } from "../../locales/messages.ts";

export type RequestRow = LiveEvents["requests"]["rows"][number];

export const OUTCOMES: Record<RequestRow["outcome"], { readonly title: Message; readonly tone: Tone }> = {
  ok: { title: "Good", tone: "good" },
  error: { title: "Error", tone: "bad" },
  client_left: { title: "Client left", tone: "calm" },
  upstream_cut: { title: "Cut off", tone: "bad" },
  refused: { title: "Refused", tone: "warn" },
};

/** All that a person may look for in a row, in lower case. */
function searchText(row: RequestRow): string {
  const { id, key, team, modelAsked, modelUsed, upstream, credential, status, outcome, errorKind, endpoint } =
    row;
  return [id, key, team, modelAsked, modelUsed, upstream, credential, status, outcome, errorKind, endpoint]
    .join(" ")
    .toLowerCase();
}

/** Every word must be there. */
export function isMatch(row: RequestRow, words: readonly string[]): boolean {
  if (words.length === 0) return true;
  const text = searchText(row);
  return words.every((word) => text.includes(word));
}

export const wordsOf = (typed: string): readonly string[] => typed.toLowerCase().split(/\s+/).filter(Boolean);
