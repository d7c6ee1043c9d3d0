// Sends a reply, with the faults of the transport: cuts, stalls, splits, encodings, wrong content.

import { createHash } from "node:crypto";
import type { ServerResponse } from "node:http";
import { setImmediate as nextTurn } from "node:timers/promises";
import {
  brotliCompressSync,
  createBrotliCompress,
  createDeflate,
  createGzip,
  createZstdCompress,
  deflateSync,
  gzipSync,
  zstdCompressSync,
} from "node:zlib";
import { type Fault, numberParam } from "../base/fault.ts";
import type { Reply, StreamEvent, StreamReply, WholeReply } from "../base/reply.ts";
import type { Generated } from "./bill.ts";
import type { SeenRequest } from "./recorder.ts";

/** Long enough for sent bytes to reach a reader on this machine before a reset discards them. */
const FLUSH_MS = 20;

const WHOLE_CODERS = { gzip: gzipSync, br: brotliCompressSync, deflate: deflateSync, zstd: zstdCompressSync };
const STREAM_CODERS = {
  gzip: createGzip,
  br: createBrotliCompress,
  deflate: createDeflate,
  zstd: createZstdCompress,
};
type Coding = keyof typeof WHOLE_CODERS;

/** Sends one reply. Ends without an error if the client leaves. */
export class Sender {
  readonly #response: ServerResponse;
  readonly #fault: Fault;
  readonly #seen: SeenRequest;
  readonly #hash = createHash("sha256");
  readonly #gone = new AbortController();
  #generated: Generated = "none";

  constructor(response: ServerResponse, fault: Fault, seen: SeenRequest) {
    this.#response = response;
    this.#fault = fault;
    this.#seen = seen;
    response.on("close", () => this.#gone.abort());
    response.on("error", () => this.#gone.abort());
  }

  /** How much of the model's answer has been generated so far. */
  get generated(): Generated {
    return this.#generated;
  }

  /** Applies the faults before the first byte. True: the reply is finished. */
  async hasEndedEarly(): Promise<boolean> {
    if (!this.#has("before-headers")) {
      return false;
    }
    if (this.#has("stall")) {
      await this.#wait(numberParam(this.#fault, "ms"));
    }
    if (this.#has("cut")) {
      await this.#cut();
    }
    return this.#isOver();
  }

  async sendWhole(reply: WholeReply, isStream = false): Promise<void> {
    const text = typeof reply.body === "string" ? reply.body : JSON.stringify(reply.body);
    let bytes: Buffer = Buffer.from(text);
    const headers: Record<string, string> = { "content-type": "application/json", ...reply.headers };
    if (this.#has("html")) {
      bytes = Buffer.from(
        "<!DOCTYPE html>\n<html><head><title>Welcome</title></head><body><h1>It works</h1></body></html>\n",
      );
      headers["content-type"] = "text/html; charset=utf-8";
    } else if (this.#has("empty")) {
      bytes = Buffer.alloc(0);
      headers["content-type"] = isStream ? "text/event-stream; charset=utf-8" : "application/json";
    } else if (this.#has("garbage")) {
      bytes = garbage();
    }
    const coding = this.#coding();
    if (coding !== undefined) {
      bytes = WHOLE_CODERS[coding](bytes);
      headers["content-encoding"] = coding;
    }
    headers["content-length"] = String(bytes.length);
    this.#head(numberParam(this.#fault, "status") ?? reply.status, headers);
    await this.#sendPart(bytes, this.#has("cut") ? Math.floor(bytes.length / 2) : 0);
  }

  async sendReply(reply: Reply, headers: Readonly<Record<string, string>>, inBand: unknown): Promise<void> {
    const isStream = this.#has("sse-for-json") || (reply.isStream && !this.#has("json-for-stream"));
    const isFromModel =
      !["html", "empty", "garbage"].some((name) => this.#has(name)) &&
      (numberParam(this.#fault, "status") ?? 200) < 400;
    if (!isStream || this.#has("html") || this.#has("empty")) {
      this.#generated = isFromModel ? "all" : "none";
      await this.sendWhole({ status: 200, headers, body: reply.whole() }, isStream);
      return;
    }
    this.#generated = isFromModel ? { events: 0 } : "none";
    const stream = reply.stream();
    const type =
      stream.framing === "sse" ? "text/event-stream; charset=utf-8" : "application/json; charset=utf-8";
    const coding = this.#coding();
    this.#head(numberParam(this.#fault, "status") ?? 200, {
      "content-type": type,
      "cache-control": "no-cache",
      ...headers,
      ...(coding === undefined ? {} : { "content-encoding": coding }),
    });
    if (this.#has("garbage")) {
      await this.#sendPart(garbage(), 0);
      return;
    }
    await this.#sendStream(stream, reply, inBand, coding);
  }

  async #sendStream(
    stream: StreamReply,
    reply: Reply,
    inBand: unknown,
    coding: Coding | undefined,
  ): Promise<void> {
    const push =
      coding === undefined ? (bytes: Buffer | undefined) => this.#write(bytes) : this.#encoder(coding);
    const after = numberParam(this.#fault, "after");
    let count = 0;
    if (stream.opening !== undefined) {
      await push(Buffer.from(stream.opening));
    }
    for (const event of this.#withErrors(stream.events, reply, inBand)) {
      if (this.#has("cut") && count === (after ?? 2)) {
        await this.#cut();
      }
      if (this.#has("stall") && count === (after ?? 1)) {
        await this.#wait(numberParam(this.#fault, "ms"));
      }
      if (this.#has("slow")) {
        await this.#wait(numberParam(this.#fault, "ms") ?? 50);
      }
      if (this.#isOver()) {
        return;
      }
      this.#noteGenerated(event);
      await push(Buffer.from(this.#frame(stream.framing, event, count)));
      count += 1;
    }
    if (this.#has("cut")) {
      await this.#cut();
    }
    if (this.#isOver()) {
      return;
    }
    if (stream.framing === "json-array") {
      await push(Buffer.from(count === 0 ? "[]" : "\n]"));
    }
    await push(undefined);
    this.#end();
  }

  #noteGenerated(event: StreamEvent): void {
    if (this.#generated === "none" || this.#generated === "all") {
      return;
    }
    if (event.isLast) {
      this.#generated = "all";
    } else if (event.hasOutput) {
      this.#generated = { events: this.#generated.events + 1 };
    }
  }

  /** The events as the fault changes them: with an error event, or without the last event. */
  *#withErrors(events: Iterable<StreamEvent>, reply: Reply, inBand: unknown): Iterable<StreamEvent> {
    const errorAt =
      inBand === undefined
        ? undefined
        : this.#has("error-first")
          ? 0
          : (numberParam(this.#fault, "after") ?? 2);
    let count = 0;
    for (const event of events) {
      if (count === errorAt) {
        yield this.#errorEvent(reply, inBand, count);
        return;
      }
      if (!(event.isLast && this.#has("no-done"))) {
        yield event;
      }
      count += 1;
    }
    if (errorAt !== undefined) {
      yield this.#errorEvent(reply, inBand, count);
    }
  }

  #errorEvent(reply: Reply, inBand: unknown, index: number): StreamEvent {
    if (typeof this.#generated === "object" && this.#generated.events === 0) {
      // A model that failed before its first word has done no work.
      this.#generated = "none";
    }
    const failure = this.#has("failed") ? reply.failureEvent?.(inBand, index) : undefined;
    return failure ?? reply.errorEvent(inBand, index);
  }

  #frame(framing: StreamReply["framing"], event: StreamEvent, index: number): string {
    if (framing === "json-array") {
      return `${index === 0 ? "[" : "\n,\n"}${event.data}`;
    }
    const lineEnd = this.#has("crlf") ? "\r\n" : this.#has("cr") ? "\r" : "\n";
    const comment = this.#has("comments") ? `: simulator ${index}${lineEnd}${lineEnd}` : "";
    const name = event.name === undefined ? "" : `event: ${event.name}${lineEnd}`;
    return `${comment}${name}data: ${event.data}${lineEnd}${lineEnd}`;
  }

  #encoder(coding: Coding): (bytes: Buffer | undefined) => Promise<void> {
    const coder = STREAM_CODERS[coding]();
    const done = new Promise<void>((resolve) => coder.once("end", resolve));
    let written = Promise.resolve();
    coder.on("data", (bytes: Buffer) => {
      written = written.then(() => this.#write(bytes));
    });
    return async (bytes) => {
      if (bytes === undefined) {
        coder.end();
        await done;
      } else {
        await new Promise<void>((resolve) => coder.write(bytes, () => coder.flush(() => resolve())));
      }
      await written;
    };
  }

  /** Sends a whole body, which a fault may cut or stall after some bytes. */
  async #sendPart(bytes: Buffer, defaultAfter: number): Promise<void> {
    const isBroken = (this.#has("cut") || this.#has("stall")) && !this.#has("before-headers");
    const after = isBroken
      ? Math.min(numberParam(this.#fault, "after") ?? defaultAfter, bytes.length)
      : bytes.length;
    await this.#write(bytes.subarray(0, after));
    if (isBroken && this.#has("stall")) {
      await this.#wait(numberParam(this.#fault, "ms"));
    }
    if (isBroken && this.#has("cut")) {
      await this.#cut();
    }
    await this.#write(bytes.subarray(after));
    this.#end();
  }

  #head(status: number, headers: Readonly<Record<string, string>>): void {
    if (this.#isOver()) {
      return;
    }
    this.#seen.status = status;
    this.#response.writeHead(status, headers);
    this.#response.flushHeaders();
  }

  async #write(bytes: Buffer | undefined): Promise<void> {
    if (bytes === undefined || bytes.length === 0) {
      return;
    }
    const step = this.#has("split") ? (numberParam(this.#fault, "by") ?? 1) : bytes.length;
    for (let at = 0; at < bytes.length && !this.#isOver(); at += step) {
      const part = bytes.subarray(at, at + step);
      this.#hash.update(part);
      this.#seen.replyBytes += part.length;
      if (!this.#response.write(part)) {
        await this.#drained();
      }
      if (step < bytes.length) {
        await nextTurn();
      }
    }
  }

  #drained(): Promise<void> {
    return new Promise((resolve) => {
      this.#response.once("drain", resolve);
      this.#gone.signal.addEventListener("abort", () => resolve(), { once: true });
    });
  }

  #end(): void {
    if (!this.#isOver()) {
      this.#seen.replySha256 = this.#hash.digest("hex");
      this.#response.end();
    }
  }

  /** Cuts the connection: by a reset, or with `how=fin` by a close without the end of the body. */
  async #cut(): Promise<void> {
    await this.#wait(FLUSH_MS);
    if (this.#isOver()) {
      return;
    }
    this.#seen.closed = true;
    if (this.#fault.params.how === "end") {
      this.#response.end();
    } else if (this.#fault.params.how === "fin") {
      this.#response.socket?.destroy();
    } else {
      this.#response.socket?.resetAndDestroy();
    }
    this.#gone.abort();
  }

  /** Without a time, waits until the client leaves. */
  #wait(ms: number | undefined): Promise<void> {
    if (this.#isOver()) {
      return Promise.resolve();
    }
    return new Promise((resolve) => {
      const timer = ms === undefined ? undefined : setTimeout(resolve, ms);
      this.#gone.signal.addEventListener(
        "abort",
        () => {
          clearTimeout(timer);
          resolve();
        },
        { once: true },
      );
    });
  }

  #isOver(): boolean {
    return this.#gone.signal.aborted;
  }

  #has(name: string): boolean {
    return this.#fault.names.has(name);
  }

  #coding(): Coding | undefined {
    return (Object.keys(WHOLE_CODERS) as Coding[]).find((coding) => this.#has(coding));
  }
}

/** Bytes that are not JSON, not UTF-8 and not an event stream. */
function garbage(): Buffer {
  return Buffer.from(Array.from({ length: 512 }, (_, index) => (index * 73 + 131) % 256));
}
