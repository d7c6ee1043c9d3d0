/** What the taps of all framings share: they show their reader's answer. */
import type { Usage } from "../../neutral/usage.ts";
import type { StreamContext, Tap, TapState } from "../dialect.ts";
import type { Answer, AnswerReader } from "./answer.ts";

export abstract class AnswerTap implements Tap {
  protected readonly reader: AnswerReader;
  protected readonly answer: Answer;

  constructor(reader: AnswerReader) {
    this.reader = reader;
    this.answer = reader.answer;
  }

  abstract push(chunk: Uint8Array): Uint8Array | null;
  abstract end(): Uint8Array | null;
  abstract cut(): Uint8Array | null;
  abstract get isBetweenFrames(): boolean;

  get usage(): Usage | null {
    return this.answer.usage;
  }

  get model(): string | null {
    return this.answer.model;
  }

  get stateIds(): readonly string[] {
    return this.answer.stateIds;
  }

  get stopReason(): string | null {
    return this.answer.stopReason;
  }

  get progress(): TapState["progress"] {
    return this.answer.progress;
  }

  get failure(): string | null {
    return this.answer.failure;
  }

  get hasContent(): boolean {
    return this.answer.hasContent;
  }

  context(): StreamContext {
    const { responseId, model, createdAtS, nextSequenceNumber } = this.answer;
    return { isMidFrame: !this.isBetweenFrames, responseId, model, createdAtS, nextSequenceNumber };
  }
}
