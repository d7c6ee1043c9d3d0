/** The common part of the taps of all framings: they show their reader's answer. */
import type { GatewayError } from "../../../core/errors.ts";
import type { Usage } from "../../../neutral/usage.ts";
import type { Framing, Tap, TapState } from "../../dialect.ts";
import type { AnswerReader, AnswerReading } from "./answer-reader.ts";

export abstract class AnswerTap implements Tap {
  protected readonly reader: AnswerReader;
  protected readonly answer: AnswerReading;

  constructor(reader: AnswerReader) {
    this.reader = reader;
    this.answer = reader.answer;
  }

  abstract push(chunk: Uint8Array): Uint8Array | null;
  abstract end(): Uint8Array | null;
  abstract cut(): Uint8Array | null;
  abstract get isBetweenFrames(): boolean;
  protected abstract get framing(): Framing;

  get usage(): Usage | null {
    this.reader.catchUp?.();
    return this.answer.usage;
  }

  get uncountedBytes(): number {
    this.reader.catchUp?.();
    return this.answer.uncountedBytes;
  }

  get model(): string | null {
    this.reader.catchUp?.();
    return this.answer.model;
  }

  get itemIds(): readonly string[] {
    return this.answer.itemIds;
  }

  get stateIds(): readonly string[] {
    return this.answer.stateIds;
  }

  get pendingId(): string | null {
    return this.answer.pendingId;
  }

  get stopReason(): string | null {
    return this.answer.stopReason;
  }

  get isRefusal(): boolean {
    return this.answer.isRefusal;
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

  get isTranslation(): boolean {
    return false;
  }

  get heldBytes(): number {
    return 0;
  }

  get isCutShort(): boolean {
    return false;
  }

  renderFailure(error: GatewayError, requestId: string, isFirst: boolean): string {
    const { framing, isBetweenFrames } = this;
    return this.reader.renderFailure(error, requestId, { framing, isFirst, isMidFrame: !isBetweenFrames });
  }
}
