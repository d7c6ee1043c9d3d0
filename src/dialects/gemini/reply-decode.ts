/**
 * Reads the content of replies, whole or in chunks. Each chunk is a complete response with pieces of parts,
 * so one reader serves both. Only the first candidate is read, since no request asks for more.
 */
import { GatewayError } from "../../core/errors.ts";
import type { JsonObject } from "../../core/json.ts";
import { GrownText } from "../../neutral/answer/grown-text.ts";
import { endMalformed } from "../../neutral/answer/malformed.ts";
import { mintCallId } from "../../neutral/conversation/call-ids.ts";
import type { ModelEvent, ModelReply } from "../../neutral/event.ts";
import { Folder } from "../../neutral/fold.ts";
import type { Seal } from "../../neutral/message.ts";
import { asArray, asObject, asString, jsonText, parseJson } from "../../wire/json.ts";
import { failEvent } from "../shared/failure-text.ts";
import { REPLY_FAULTS } from "../shared/reply-faults.ts";
import { errorIn } from "./error-decode.ts";
import { Grounding } from "./grounding-decode.ts";
import { PartialArguments } from "./partial-args.ts";
import { isOfFormer, MAKER, readSignature } from "./seal.ts";
import { decodeStop, type Finish, finishReasonIn } from "./stop.ts";
import { isPlaceholder, readUsage, Searches } from "./usage.ts";
import { OPAQUE_MEMBERS } from "./wire.ts";

type Emit = (event: ModelEvent) => void;

/** A call whose arguments still arrive. */
interface OpenCall {
  readonly id: string;
  readonly name: string;
  seal: Seal | null;
  readonly args: PartialArguments;
}

/** Reads chunks and emits their events. After `isOver` it emits nothing. */
export class ContentDecoder {
  readonly #emit: Emit;
  readonly #idSeed: string;
  /** Parts are whole, so a signature belongs to its own part alone. */
  readonly #isWhole: boolean;
  #hasStarted = false;
  #open: "text" | "reasoning" | null = null;
  /** The seal of the open block. */
  #seal: Seal | null = null;
  /** The text of the open block, which sources refer to. */
  readonly #text = new GrownText();
  #call: OpenCall | null = null;
  readonly #callIds = new Set<string>();
  #minted = 0;
  #finish: Finish | null = null;
  readonly #grounding = new Grounding();
  readonly #searches = new Searches();
  /** The last counts. They come with every chunk, and are read only when they are told. */
  #counts: JsonObject | null = null;
  #toldCounts: JsonObject | null = null;
  #toldSearches: number | null = null;
  isOver = false;

  constructor(idSeed: string, emit: Emit, isWhole: boolean) {
    this.#idSeed = idSeed;
    this.#emit = emit;
    this.#isWhole = isWhole;
  }

  get isFinished(): boolean {
    return this.#finish !== null && !this.isOver;
  }

  readChunk(value: unknown): void {
    if (this.isOver) return;
    const error = errorIn(value);
    if (error !== null) {
      this.#fail(failEvent(error));
      return;
    }
    const chunk = asObject(value);
    if (chunk === null) {
      this.garbage(REPLY_FAULTS.notJson);
      return;
    }
    if (!this.#hasStarted) {
      this.#hasStarted = true;
      this.#emit({ type: "start", id: asString(chunk.responseId), model: asString(chunk.modelVersion) });
    }
    const metadata = asObject(chunk.usageMetadata);
    if (metadata !== null && (this.#counts === null || !isPlaceholder(metadata))) this.#counts = metadata;
    for (const entry of asArray(chunk.candidates)) this.#searches.add(asObject(entry) ?? {});
    this.#tellUsage();
    for (const entry of asArray(chunk.candidates)) {
      const candidate = asObject(entry);
      if (candidate !== null && (candidate.index ?? 0) === 0) this.#readCandidate(candidate, chunk);
    }
    const feedback = asObject(chunk.promptFeedback);
    const blockReason = asString(feedback?.blockReason);
    if (blockReason !== null) {
      const message = asString(feedback?.blockReasonMessage);
      this.#finish = { reason: blockReason, isBlocked: true, message, token: null };
    }
  }

  /** Ends the answer, also one without a finish reason. */
  end(): void {
    if (this.isOver) return;
    const finish = this.#finish ?? { reason: null, isBlocked: false, message: null, token: null };
    if (this.#call !== null && finish.reason === "MAX_TOKENS") {
      // An unfinished call is left out; the finish reason says why it is missing.
      this.#callIds.delete(this.#call.id);
      this.#call = null;
    }
    this.#closeCall();
    this.#close();
    const stop = decodeStop(finish, this.#callIds.size > 0);
    if (!this.#hasStarted) this.#emit({ type: "start", id: null, model: null });
    const search = this.#grounding.search(mintCallId(this.#idSeed, this.#minted));
    if (search !== null) this.#emit({ type: "part", part: search });
    this.#tellUsage();
    this.isOver = true;
    if (stop.kind === "malformed") {
      const said = finish.message === null ? "" : `: ${finish.message}`;
      endMalformed(`The model ended its answer with "${finish.reason}"${said}`, finish.reason, this.#emit);
    } else this.#emit({ type: "end", stop });
  }

  garbage(message: string): void {
    this.#fail({ type: "fail", raw: null, message });
  }

  #fail(failure: Extract<ModelEvent, { type: "fail" }>): void {
    if (this.isOver) return;
    if (this.#hasStarted) {
      this.#close();
      this.#tellUsage();
    }
    this.isOver = true;
    this.#emit(failure);
  }

  #readCandidate(candidate: JsonObject, chunk: JsonObject): void {
    for (const entry of asArray(asObject(candidate.content)?.parts)) {
      const part = asObject(entry);
      if (part !== null) this.#readPart(part);
      if (this.isOver) return;
    }
    this.#grounding.add(candidate);
    const reason = finishReasonIn(candidate);
    if (reason === null) return;
    this.#finish = {
      reason,
      isBlocked: false,
      message: asString(candidate.finishMessage),
      token: asString(candidate.continuationToken) ?? asString(chunk.continuationToken),
    };
  }

  #readPart(part: JsonObject): void {
    if (typeof part.text === "string") {
      this.#readText(part.text, part.thought === true ? "reasoning" : "text", part.thoughtSignature);
      return;
    }
    const call = asObject(part.functionCall);
    if (call !== null) {
      this.#readCall(call, part.thoughtSignature);
      return;
    }
    const blob = asObject(part.inlineData);
    if (blob !== null) this.#readBlob(blob, part);
    else if (asObject(part.fileData) !== null) this.#opaque("fileData", part);
    else {
      const name = OPAQUE_MEMBERS.find((member) => Object.hasOwn(part, member));
      // Unknown parts are skipped.
      if (name !== undefined) this.#opaque(name, part);
    }
  }

  #readText(text: string, kind: "text" | "reasoning", signature: unknown): void {
    const isSigned = typeof signature === "string" && signature !== "";
    if (text === "") {
      if (isSigned) this.#sealLast(signature, kind);
      return;
    }
    this.#closeCall();
    // Text after a signature is another part, which the signature does not cover.
    const isApart = this.#seal !== null || (this.#isWhole && isSigned);
    if (this.#open !== kind || isApart) {
      this.#close();
      this.#open = kind;
      this.#emit({
        type: "open",
        block: kind === "text" ? { kind, phase: null } : { kind },
      });
    }
    if (kind === "text") this.#text.add(text);
    this.#emit({ type: "delta", text });
    if (isSigned) this.#seal = readSignature(signature, kind);
  }

  /** A signature without text belongs to the part before it, or to thinking that is not shown. */
  #sealLast(signature: unknown, kind: "text" | "reasoning"): void {
    const seal = readSignature(signature, kind);
    if (seal === null) return;
    const open = this.#seal === null ? this.#open : null;
    if (open !== null && isOfFormer(seal, kind === "reasoning", open)) {
      this.#seal = readSignature(signature, open);
      return;
    }
    this.#closeCall();
    this.#close();
    // So every dialect can send it back.
    this.#emit({ type: "open", block: { kind: "reasoning" } });
    this.#emit({ type: "close", seal });
  }

  #readCall(call: JsonObject, signature: unknown): void {
    const seal = readSignature(signature, "call");
    const name = asString(call.name);
    const willContinue = call.willContinue === true;
    if (this.#call !== null && name === null) {
      this.#call.seal ??= seal;
    } else if (name === null) {
      this.garbage(REPLY_FAULTS.namelessCall);
      return;
    } else {
      this.#closeCall();
      this.#close();
      const id = this.#callId(asString(call.id));
      if (!willContinue && call.partialArgs === undefined) {
        const args = jsonText(argumentsIn(call.args));
        if (args === null) this.garbage(REPLY_FAULTS.tooDeep);
        else this.#tellCall(id, name, seal, args);
        return;
      }
      this.#call = { id, name, seal, args: new PartialArguments() };
    }
    const open = this.#call as OpenCall;
    if (call.partialArgs !== undefined && !open.args.add(call.partialArgs)) {
      this.garbage("the upstream sent pieces of a call's arguments that do not fit together");
      return;
    }
    if (!willContinue) this.#closeCall();
  }

  #closeCall(): void {
    const call = this.#call;
    if (call === null) return;
    this.#call = null;
    this.#tellCall(call.id, call.name, call.seal, call.args.text());
  }

  #tellCall(id: string, name: string, seal: Seal | null, args: string): void {
    this.#emit({
      type: "open",
      block: { kind: "tool-call", id, name, namespace: null, call: "function", seal },
    });
    this.#emit({ type: "delta", text: args });
    this.#emit({ type: "close", seal: null });
  }

  /** The upstream's own id. A missing or repeated id is replaced by a new one. */
  #callId(given: string | null): string {
    let id = given;
    while (id === null || this.#callIds.has(id)) id = mintCallId(this.#idSeed, this.#minted++);
    this.#callIds.add(id);
    return id;
  }

  #readBlob(blob: JsonObject, part: JsonObject): void {
    const mimeType = asString(blob.mimeType);
    const data = asString(blob.data);
    if (mimeType === null || data === null || !mimeType.startsWith("image/") || part.thought === true) {
      // A picture in thoughts is a draft. The neutral answer has no place for sound.
      if (data !== null) this.#opaque("inlineData", part);
      return;
    }
    this.#closeCall();
    this.#close();
    this.#emit({
      type: "part",
      part: { type: "image", source: { kind: "base64", mimeType, data }, at: "candidates[0].content" },
    });
  }

  #opaque(name: string, part: JsonObject): void {
    const data = jsonText(part);
    if (data === null) {
      this.garbage(REPLY_FAULTS.tooDeep);
      return;
    }
    this.#closeCall();
    this.#close();
    this.#emit({
      type: "part",
      part: { type: "opaque", name, raw: { maker: MAKER, place: "raw", data }, at: "candidates[0].content" },
    });
  }

  #close(): void {
    if (this.#open === null) return;
    if (this.#open === "text") {
      if (this.#grounding.hasAnnotations) {
        for (const annotation of this.#grounding.annotationsOf(this.#text.text))
          this.#emit({ type: "annotation", annotation });
      }
      this.#text.clear();
    }
    const seal = this.#seal;
    this.#open = null;
    this.#seal = null;
    this.#emit({ type: "close", seal });
    this.#tellUsage();
  }

  /**
   * Emits usage only between blocks, so an answer that is cut has reported its usage up to the last block.
   */
  #tellUsage(): void {
    const searches = this.#searches.count;
    const isTold = this.#counts === this.#toldCounts && searches === this.#toldSearches;
    if (this.#open !== null || this.#counts === null || isTold) return;
    this.#toldCounts = this.#counts;
    this.#toldSearches = searches;
    this.#emit({ type: "usage", usage: readUsage(this.#counts, searches) });
  }
}

const BODY_MEMBERS = ["candidates", "promptFeedback", "usageMetadata"];

/**
 * Throws `upstream_garbage` for a body that is not a reply; `detail` then holds the error object, if the body
 * is one.
 */
export function decodeReply(body: JsonObject, idSeed: string): ModelReply {
  const folder = new Folder();
  let failure: GatewayError | null = null;
  const decoder = new ContentDecoder(
    idSeed,
    (event) => {
      if (event.type === "fail") {
        failure = new GatewayError(
          "upstream_garbage",
          event.message,
          event.raw === null ? {} : { detail: event.raw },
        );
      } else folder.add(event);
    },
    true,
  );
  decoder.readChunk(body);
  if (failure === null && !BODY_MEMBERS.some((member) => Object.hasOwn(body, member)))
    decoder.garbage("the upstream's reply is not an answer: it has no candidates");
  decoder.end();
  if (failure !== null) throw failure;
  return folder.reply();
}

/** Some servers write the arguments as JSON text. */
function argumentsIn(args: unknown): JsonObject {
  return asObject(args) ?? (typeof args === "string" ? asObject(parseJson(args)) : null) ?? {};
}
