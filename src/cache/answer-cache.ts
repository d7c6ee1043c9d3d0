/**
 * The response cache: answers that are kept, in memory and perhaps in a file behind it, and the answers on their way that
 * the same requests join.
 */
import type { Config } from "../config/config.ts";
import type { Clock } from "../core/clock.ts";
import type { Ids } from "../core/ids.ts";
import type { Log } from "../core/log.ts";
import { SECRET_BYTES } from "../store/sealed.ts";
import { AnswerFile } from "./answer-file.ts";
import { AnswerMemory, type LentAnswer } from "./answer-memory.ts";
import { answerPath, readSecret, shredCacheFiles } from "./cache-files.ts";
import { Flight } from "./flight.ts";
import { requestKey } from "./request-key.ts";

export interface AnswerCacheOptions {
  readonly config: Config["cache"];
  readonly dataDir: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly ids: Pick<Ids, "hex">;
}

/** How often answers are written to the file, and those whose life is over are taken out. */
const TEND_MS = 5_000;

export class AnswerCache {
  readonly #options: AnswerCacheOptions;
  readonly #memory: AnswerMemory;
  readonly #flights = new Map<string, Flight>();
  #file: AnswerFile | null = null;
  #lifeMs: number;
  #secret: Uint8Array;
  #timer: ReturnType<typeof setInterval> | null = null;

  constructor(options: AnswerCacheOptions) {
    const { config } = options;
    this.#options = options;
    this.#lifeMs = 1_000 * config.lifeS;
    this.#memory = new AnswerMemory({ memoryBytes: config.memoryBytes, lifeMs: this.#lifeMs });
    this.#secret = Buffer.from(options.ids.hex(SECRET_BYTES), "hex");
  }

  /** Bytes of answers in memory. */
  get bytes(): number {
    return this.#memory.bytes;
  }

  /** Answers in memory. */
  get size(): number {
    return this.#memory.size;
  }

  /** Opens the file, or deletes what an earlier process has left of one. */
  start(): void {
    this.#configureFile(this.#options.config);
    this.#timer = setInterval(() => this.tend(), TEND_MS);
    this.#timer.unref();
  }

  /** Takes over a changed configuration. */
  replace(config: Config["cache"]): void {
    this.#lifeMs = 1_000 * config.lifeS;
    this.#memory.replace({ memoryBytes: config.memoryBytes, lifeMs: this.#lifeMs });
    this.#configureFile(config);
  }

  close(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#file?.close();
  }

  tend(): void {
    this.#memory.sweep(this.#options.clock.nowMs());
    this.#file?.flush();
  }

  keyOf(facts: readonly string[], body: string): string {
    return requestKey(this.#secret, facts, body);
  }

  /** The answer for one more client; null: none is kept, or there is no room to give it. */
  lend(key: string): LentAnswer | null {
    const nowMs = this.#options.clock.nowMs();
    const inMemory = this.#memory.lend(key, nowMs);
    if (inMemory !== null || this.#file === null) return inMemory;
    const inFile = this.#file.find(key);
    if (inFile === null) return null;
    const isFresh = nowMs - inFile.atMs < this.#lifeMs && this.#memory.keep(key, inFile);
    return isFresh ? this.#memory.lend(key, nowMs) : this.#memory.lendOther(inFile);
  }

  /** The answer on its way that a further request can join; null: there is none. */
  flightOf(key: string): Flight | null {
    const flight = this.#flights.get(key);
    return flight?.canBeJoined === true ? flight : null;
  }

  /** A new answer on its way, which the requests that follow may join. */
  begin(key: string): Flight {
    const flight = new Flight(this.#memory);
    this.#flights.set(key, flight);
    return flight;
  }

  /** The flight has ended. `mayKeep`: its answer may be given again. */
  ended(key: string, flight: Flight, mayKeep: boolean): void {
    // A newer call for the same request has been begun: this answer must not take the place of that one's.
    if (this.#flights.get(key) !== flight) return;
    this.#flights.delete(key);
    const answer = mayKeep ? flight.keep(this.#options.clock.nowMs()) : null;
    if (answer !== null && this.#memory.keep(key, answer)) this.#file?.keep(key, answer);
  }

  #configureFile(config: Config["cache"]): void {
    const { dataDir, log } = this.#options;
    const limits = { fileBytes: config.fileBytes, fileLifeMs: 1_000 * config.fileLifeS };
    try {
      if (config.file && config.memoryBytes > 0) this.#openFile(limits);
      else this.#closeFile();
    } catch (cause) {
      const where = { file: answerPath(dataDir), error: String(cause) };
      log.error(where, "the file of the response cache cannot be used; answers are kept in memory alone");
    }
  }

  #openFile(limits: { readonly fileBytes: number; readonly fileLifeMs: number }): void {
    const { dataDir, clock, ids, log } = this.#options;
    if (this.#file !== null) {
      this.#file.replace(limits);
      return;
    }
    const secret = readSecret(dataDir, this.#secret);
    // Keys under the secret before find nothing any more.
    if (secret !== this.#secret) this.#memory.clear();
    this.#secret = secret;
    this.#file = new AnswerFile({ path: answerPath(dataDir), secret, limits, clock, ids, log });
  }

  /** Who switches the file off wants nothing to stay on the disk. */
  #closeFile(): void {
    this.#file?.destroy();
    this.#file = null;
    shredCacheFiles(this.#options.dataDir);
  }
}
