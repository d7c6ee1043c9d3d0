/**
 * Places instructions that stand between the turns, for targets that accept them everywhere, in some places,
 * or nowhere.
 */
import type { Message, TextPart, UserPart } from "../message.ts";
import type { Drop } from "../request.ts";
import { append, makeTurn, type Turn } from "./turn.ts";

/**
 * `in-place`: instructions stay. `where-allowed`: they stay after a user turn, or after an assistant turn
 * that ends with the result of a tool that the provider ran, when an assistant turn or the end follows;
 * elsewhere they are folded. `fold`: they become text at the end of the user turn before them; without such a
 * turn, at the beginning of the next user turn, or in a user turn of their own.
 */
export type MidSystem = "in-place" | "where-allowed" | "fold";

/**
 * The messages of the turns, with each system turn in its place. `dropped` names the folded instructions
 * once.
 */
export function placeSystem(
  turns: readonly Turn[],
  options: { readonly midSystem: MidSystem; readonly mergesTurns: boolean },
  dropped: Drop[],
): Message[] {
  const nextRoles = turns.some(({ role }) => role === "system") ? rolesBehind(turns) : [];
  const placed: Turn[] = [];
  let isFolded = false;
  // The last turn was added for instructions: the next words of the user join it.
  let isOpen = false;
  turns.forEach((turn, index) => {
    const last = placed.at(-1);
    if (turn.role === "system" && !mayStand(options.midSystem, last, nextRoles[index] ?? null)) {
      const host = last?.role === "user" ? last : makeTurn("user");
      if (host !== last) {
        placed.push(host);
        isOpen = true;
      }
      append(host, (turn.parts as TextPart[]).map(tagged));
      isFolded = true;
    } else if (turn.role === "user" && last?.role === "user" && (options.mergesTurns || isOpen)) {
      append(last, turn.parts);
      last.name ??= turn.name;
      isOpen = false;
    } else {
      placed.push(turn);
      isOpen = false;
    }
  });
  if (isFolded) {
    dropped.push({
      field: "messages",
      reason: "instructions between the turns were put into the user's turns, in the tag system-reminder",
    });
  }
  return placed.map(messageOf);
}

/** For each turn the role of the next turn that is not a system turn; null at the end. */
function rolesBehind(turns: readonly Turn[]): (Message["role"] | null)[] {
  const roles: (Message["role"] | null)[] = Array.from({ length: turns.length }, () => null);
  for (let i = turns.length - 2; i >= 0; i--) {
    const next = (turns[i + 1] as Turn).role;
    roles[i] = next === "system" ? (roles[i + 1] ?? null) : next;
  }
  return roles;
}

function mayStand(midSystem: MidSystem, last: Turn | undefined, next: Message["role"] | null): boolean {
  if (midSystem !== "where-allowed") return midSystem === "in-place";
  if (last === undefined || next === "user") return false;
  return last.role !== "assistant" || endsWithProviderResult(last);
}

function endsWithProviderResult(turn: Turn): boolean {
  const part = turn.parts.at(-1);
  return part?.type === "search" || (part?.type === "opaque" && part.name.endsWith("_result"));
}

/** A client that knows the tag may have written it. */
function tagged(part: TextPart): UserPart {
  const isTagged =
    part.text.startsWith("<system-reminder>") && part.text.trimEnd().endsWith("</system-reminder>");
  return {
    type: "text",
    text: isTagged ? part.text : `<system-reminder>\n${part.text}\n</system-reminder>`,
    ...(part.cache ? { cache: part.cache } : null),
  };
}

function messageOf({ role, parts, name }: Turn): Message {
  return (name === null ? { role, parts } : { role, parts, name }) as Message;
}
