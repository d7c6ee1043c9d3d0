/** The state of an answer that a tap reads, and the contract of a dialect's reader. */
import type { GatewayError } from "../../core/errors.ts";
import type { Usage } from "../../neutral/usage.ts";
import { asObject, asString, type JsonObject } from "../../wire/json.ts";
import type { ShapeNode } from "../../wire/json-shape.ts";
import type { FailurePlace, TapState } from "../dialect.ts";
import type { Needle } from "./needle.ts";

const MAX_FAILURE_BYTES = 4096;
/** Lengths that keep within the bound even when each character is escaped in six bytes. */
const MAX_MESSAGE_CHARS = 500;
const MAX_NAME_CHARS = 40;

/** The state that a reader writes and a tap shows. */
export class AnswerReading implements Omit<TapState, "isBetweenFrames"> {
  usage: Usage | null = null;
  model: string | null = null;
  stateIds: readonly string[] = [];
  stopReason: string | null = null;
  progress: TapState["progress"] = "open";
  failure: string | null = null;
  hasContent = false;

  /** The upstream's last word is an error. */
  fail(error: unknown): void {
    this.progress = "failed";
    this.failure ??= failureText(error);
  }

  finish(): void {
    if (this.progress === "open") this.progress = "finished";
  }

  /** More content came although the answer seemed whole. */
  reopen(): void {
    if (this.progress === "finished") this.progress = "open";
  }

  complete(): void {
    if (this.progress !== "failed") this.progress = "complete";
  }

  addStateId(id: unknown): void {
    const text = asString(id);
    if (text !== null && !this.stateIds.includes(text)) this.stateIds = [...this.stateIds, text];
  }
}

/** The error object as JSON; a longer one is cut down to what classification reads. */
function failureText(error: unknown): string {
  const object = asObject(error) ?? { message: asString(error) ?? "the error object could not be read" };
  const text = stringify(object);
  if (text !== null && new TextEncoder().encode(text).length <= MAX_FAILURE_BYTES) return text;
  const short: Record<string, unknown> = {};
  for (const key of ["type", "code", "status", "param"]) {
    const value = object[key];
    if (typeof value === "number") short[key] = value;
    else if (typeof value === "string") short[key] = value.slice(0, MAX_NAME_CHARS);
  }
  if (typeof object.message === "string") short.message = object.message.slice(0, MAX_MESSAGE_CHARS);
  return JSON.stringify(short);
}

function stringify(object: JsonObject): string | null {
  try {
    return JSON.stringify(object);
  } catch {
    // Nested so deep that the runtime gives up.
    return null;
  }
}

/** Reads a dialect's replies: a tap finds the frames and calls it. */
export interface AnswerReader {
  readonly answer: AnswerReading;
  /** Once content has begun, only frames that hold one of these are read; null: every frame is read. */
  readonly needles: readonly Needle[] | null;
  /** The members to pick from a frame's data that is too long to be built whole. */
  readonly frameShape: ShapeNode;
  readonly bodyShape: ShapeNode;
  /** Reads the data of a frame. True: the frame is to be taken out. */
  readFrame(event: string, data: unknown): boolean;
  /** The stream's own end mark `[DONE]`. */
  readDone(): void;
  /** Reads a reply that is one JSON value, once it is closed. */
  readBody(body: unknown): void;
  /** Sees bytes that end at `to` with a whole frame, whether their frames were read or not. */
  notePassed(bytes: Uint8Array, to: number): void;
  /** See `Tap.renderFailure`. */
  renderFailure(error: GatewayError, requestId: string, place: FailurePlace): string;
}
