/** Captured bodies as texts for people. They are hostile: they are only ever shown as text. */
import type { ReplyOf } from "../../../../src/admin/contract.ts";

export type Captured = ReplyOf<"getCapture">;
export type CapturedBody = NonNullable<Captured["request"]["body"]>;

const EVENT_LINE = /^(?:event|data|id|retry)?:/;

/** JSON with a member a line, and events apart; all else, and what is cut off, as it is. */
export function readableText(text: string): string {
  const value = parsed(text);
  if (value !== undefined) return printed(value);
  return EVENT_LINE.test(text.trimStart()) ? readableEvents(text) : text;
}

/** Each event under its number and name. */
function readableEvents(text: string): string {
  return text
    .replace(/\r\n?/g, "\n")
    .split(/\n{2,}/)
    .filter((block) => block.trim() !== "")
    .map((block, at) => {
      const lines = block.split("\n");
      const name =
        lines
          .find((line) => line.startsWith("event:"))
          ?.slice(6)
          .trim() ?? "";
      const data = lines
        .filter((line) => line.startsWith("data:"))
        .map((line) => line.slice(5).replace(/^ /, ""));
      const others = lines.filter((line) => !/^(?:event|data):/.test(line));
      const value = parsed(data.join("\n"));
      const shown = value === undefined ? data : [printed(value)];
      return [`#${at + 1} ${name}`.trimEnd(), ...others, ...shown].join("\n");
    })
    .join("\n\n");
}

/** undefined: it is no object and no list in JSON. */
function parsed(text: string): object | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}

function printed(value: object): string {
  return JSON.stringify(value, null, 2);
}

/** A part of a text: lines that another text has as well, or has not. */
export interface Part {
  readonly text: string;
  readonly isOwn: boolean;
}

/** Longer texts are shown without marks. */
const MAX_MARKED_LINES = 5_000;

/** The text in parts, by whether the lines are those of another text too. Where a line stands does not count. */
export function partsBeside(text: string, other: string | null): readonly Part[] {
  const lines = text.split("\n");
  if (other === null || lines.length > MAX_MARKED_LINES) return [{ text, isOwn: false }];
  const bare = (line: string): string => line.trim().replace(/,$/, "");
  const known = new Set(other.split("\n").map(bare));
  const parts: { text: string; isOwn: boolean }[] = [];
  for (const line of lines) {
    const isOwn = !known.has(bare(line));
    const last = parts.at(-1);
    if (last?.isOwn === isOwn) last.text += `\n${line}`;
    else parts.push({ text: line, isOwn });
  }
  return parts;
}
