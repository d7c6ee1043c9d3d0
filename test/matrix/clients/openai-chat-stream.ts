/** Folds the stream of Chat Completions, as its SDK does, and holds it to its grammar. */
import type { Json, Trouble } from "../conversation.ts";
import { events, need, parseObject } from "../wire.ts";
import { readTrouble } from "./openai-chat.ts";
import { chunk, completion, delta } from "./openai-chat-forms.ts";

interface Fold {
  readonly choice: Json;
  readonly usage: Json | null;
  readonly trouble: Trouble | null;
}

interface PartialCall {
  readonly id: string;
  readonly name: string;
  /** Other members that came with the beginning of the call. */
  readonly more: Json;
  arguments: string;
}

export function foldChunks(stream: string): Fold {
  const frames = events(stream);
  const isDone = frames.at(-1)?.data === "[DONE]";
  const fold = new ChunkFold();
  for (const { name, data } of isDone ? frames.slice(0, -1) : frames) {
    need(name === null, "a chunk has no event name");
    fold.add(parseObject(data, "chunk"));
  }
  const folded = fold.end();
  need(isDone || folded.trouble !== null, "the stream does not end with [DONE]");
  return folded;
}

class ChunkFold {
  readonly #message: Json = { role: "assistant", content: null, refusal: null };
  readonly #calls: PartialCall[] = [];
  #head: string | null = null;
  #finish: string | null = null;
  #usage: Json | null = null;
  #trouble: Trouble | null = null;
  #last: Json = {};

  add(frame: Json): void {
    need(this.#trouble === null, "something comes behind an error");
    if (frame.error !== undefined) {
      this.#trouble = readTrouble(null, frame);
      return;
    }
    chunk(frame, "chunk");
    this.#last = frame;
    const head = JSON.stringify([frame.id, frame.created, frame.model]);
    need(this.#head === null || this.#head === head, "id, created or model changes within the stream");
    need(this.#usage === null, "something comes behind the usage");
    const choices = frame.choices as Json[];
    if (choices.length === 0) {
      need(
        this.#finish !== null && frame.usage !== null,
        "a chunk without choices is the last, with the usage",
      );
      this.#usage = frame.usage as Json;
    } else {
      need(choices.length === 1 && frame.usage === null, "a chunk with a choice has usage null");
      this.#choice(choices[0] as Json, this.#head === null);
    }
    this.#head = head;
  }

  #choice(choice: Json, isFirst: boolean): void {
    need(this.#finish === null, "a choice comes behind its finish_reason");
    const piece = choice.delta as Json;
    delta(piece, "delta");
    need(isFirst === (piece.role === "assistant"), "the role comes with the first delta, and with no other");
    for (const name of ["content", "refusal", "reasoning_content"]) {
      if (typeof piece[name] === "string")
        this.#message[name] = `${(this.#message[name] as string | null | undefined) ?? ""}${piece[name]}`;
    }
    if (piece.annotations !== undefined)
      this.#message.annotations = [
        ...((this.#message.annotations as unknown[] | undefined) ?? []),
        ...(piece.annotations as unknown[]),
      ];
    for (const fragment of (piece.tool_calls ?? []) as Json[]) this.#fragment(fragment);
    this.#finish = choice.finish_reason as string | null;
  }

  #fragment({ index, id, function: part, type, ...more }: Json): void {
    const { name, arguments: args = "" } = (part ?? {}) as { name?: string; arguments?: string };
    const at = index as number;
    if (at === this.#calls.length) {
      need(
        typeof id === "string" && type === "function" && name !== undefined,
        "a call begins with id, type and name",
      );
      this.#calls.push({ id, name, more, arguments: args });
      return;
    }
    const call = this.#calls[at];
    need(call !== undefined && at === this.#calls.length - 1, `fragment of call ${at} out of turn`);
    need(
      id === undefined && name === undefined && Object.keys(more).length === 0,
      "a later fragment holds arguments alone",
    );
    call.arguments += args;
  }

  end(): Fold {
    if (this.#calls.length > 0) {
      this.#message.tool_calls = this.#calls.map(({ id, name, more, arguments: args }) => ({
        id,
        type: "function",
        function: { name, arguments: args },
        ...more,
      }));
    }
    for (const name of ["refusal", "content"]) if (this.#message[name] === "") this.#message[name] = null;
    const choice = { index: 0, message: this.#message, logprobs: null, finish_reason: this.#finish };
    if (this.#trouble !== null)
      return {
        choice: { ...choice, message: { role: "assistant", content: this.#message.content } },
        usage: this.#usage,
        trouble: this.#trouble,
      };
    need(this.#usage !== null, "no usage, although it was asked for");
    const { id, created, model } = this.#last;
    completion(
      { id, object: "chat.completion", created, model, choices: [choice], usage: this.#usage },
      "folded",
    );
    return { choice, usage: this.#usage, trouble: null };
  }
}
