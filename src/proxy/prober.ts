/**
 * Finds out by calls of the gateway's own whether a credential that a provider spoke against is really refused or without
 * money. Such a call holds nothing of a client's request, so no client can bring its answer about. No request waits for it.
 */
import { Buffer } from "node:buffer";
import { GatewayError } from "../core/errors.ts";
import type { CredentialView, UpstreamView } from "../snapshot.ts";
import { type Call, headOf, type ReplyHead } from "../transport/call.ts";
import { WholeSink } from "../transport/whole.ts";
import { AccessRefused } from "../upstreams/authorization.ts";
import { hasMoney, type Proof } from "../upstreams/evidence/proof.ts";
import type { Accusation, Signal } from "../upstreams/signal.ts";
import { sendOwnGet } from "./attempt/own-call.ts";
import type { Gateway } from "./gateway.ts";

/** Longest silence of the provider, and longest call. */
const SILENCE_MS = 10_000;
const LIMIT_MS = 30_000;
/** A credential is not asked about again for so long, however often it is accused. */
const REST_MS = 25_000;
/** A longer list of models proves the key as well as a whole one. */
const REPLY_BYTES = 256 * 1024;

type ProberGateway = Pick<Gateway, "snapshot" | "pool" | "transport" | "clock" | "log">;

interface Found {
  readonly upstream: UpstreamView;
  readonly credential: CredentialView;
  readonly proof: Proof;
  readonly fingerprint: string;
}

export class Prober {
  readonly #gateway: ProberGateway;
  readonly #running = new Map<string, RunningProof>();
  /** By credential, on the monotonic clock. The configuration bounds their number. */
  readonly #askedAtMs = new Map<string, number>();

  constructor(gateway: ProberGateway) {
    this.#gateway = gateway;
  }

  /**
   * Asks the provider whether the accusation is true, and tells the pool. Does nothing for a server without a call of
   * proof, and while the credential is being asked about or was a short time ago. Never throws.
   */
  ask(credentialId: string, accused: Accusation["class"]): void {
    const { clock } = this.#gateway;
    const found = this.#find(credentialId);
    const askedAtMs = this.#askedAtMs.get(credentialId) ?? Number.NEGATIVE_INFINITY;
    const nowMs = clock.monotonicMs();
    if (found === null || this.#running.has(credentialId) || nowMs - askedAtMs < REST_MS) return;
    this.#askedAtMs.set(credentialId, nowMs);
    void this.#prove(found, accused);
  }

  /** Ends all calls; their accusations stay unproven. After a change of the configuration, credentials may be asked anew. */
  stop(): void {
    for (const proof of this.#running.values()) {
      proof.abort(new GatewayError("upstream_cut", "the configuration has changed, or the gateway stops"));
    }
    this.#running.clear();
    this.#askedAtMs.clear();
  }

  #find(credentialId: string): Found | null {
    const { upstreams, credentialSpecs } = this.#gateway.snapshot;
    const spec = credentialSpecs.find(({ id }) => id === credentialId);
    const upstream = upstreams.get(spec?.upstream ?? "");
    const credential = upstream?.credentials.get(credentialId);
    const proof = upstream?.profile.proof ?? null;
    if (spec === undefined || upstream === undefined || credential === undefined || proof === null)
      return null;
    return { upstream, credential, proof, fingerprint: spec.fingerprint };
  }

  async #prove(found: Found, accused: Accusation["class"]): Promise<void> {
    const { pool, log } = this.#gateway;
    const { credential, fingerprint } = found;
    let running: RunningProof | null = null;
    try {
      running = new RunningProof(this.#send(found));
      this.#running.set(credential.id, running);
      const { head, body } = await running.reply();
      const isTrue = this.#judge(found, accused, head, body);
      log.info({ credential: credential.id, accused, isTrue }, "a credential was asked about");
      if (isTrue !== null) pool.prove(credential.id, fingerprint, accused, isTrue);
    } catch (cause) {
      if (cause instanceof AccessRefused && isSaid(accused, cause.signal)) {
        // Without a token nothing was asked: the provider has refused the credential where it gives tokens.
        log.info({ credential: credential.id, accused, isTrue: true }, "a credential was asked about");
        pool.prove(credential.id, fingerprint, accused, true);
        return;
      }
      const error = cause instanceof Error ? cause.message : String(cause);
      log.info({ credential: credential.id, accused, error }, "a credential could not be asked about");
    } finally {
      if (this.#running.get(credential.id) === running) this.#running.delete(credential.id);
    }
  }

  #send({ upstream, credential, proof }: Found): Call {
    const url = new URL(proof.path, `${credential.baseUrl}/`).href;
    return sendOwnGet(this.#gateway, upstream, credential, url, SILENCE_MS);
  }

  /** Whether the answer confirms the accusation; null: the answer says nothing about it. */
  #judge(
    { upstream, proof }: Found,
    accused: Accusation["class"],
    { status, headers }: ReplyHead,
    body: string,
  ): boolean | null {
    if (status === 200) {
      if (!body.trimStart().startsWith("{")) return null;
      if (accused !== "credit") return false;
      const money = hasMoney(proof, body);
      return money === null ? null : !money;
    }
    const nowMs = this.#gateway.clock.nowMs();
    const { family, profile } = upstream;
    const signal = family.classify({ status, headers, body, nowMs, model: "" }, profile);
    return isSaid(accused, signal) ? true : null;
  }
}

/** Whether the provider itself says what the credential is accused of. */
function isSaid(accused: Accusation["class"], signal: Signal): boolean {
  return signal.class === accused && signal.isStatement === true;
}

/** One call of proof, which can be ended at any point. */
class RunningProof {
  readonly #call: Call;
  readonly #timer: ReturnType<typeof setTimeout>;
  #sink: WholeSink | null = null;

  constructor(call: Call) {
    this.#call = call;
    this.#timer = setTimeout(
      () => this.abort(new GatewayError("upstream_timeout", "the provider took too long")),
      LIMIT_MS,
    );
    this.#timer.unref();
  }

  async reply(): Promise<{ readonly head: ReplyHead; readonly body: string }> {
    try {
      const head = await headOf(this.#call);
      const { bytes, isWhole, error } = await new Promise<WholeSink>((resolve) => {
        this.#sink = new WholeSink(REPLY_BYTES, null, { wholeRead: (read) => resolve(read as WholeSink) });
        this.#call.pipe(this.#sink);
      });
      if (error !== null) throw error;
      if (!isWhole) this.#call.abort(new GatewayError("upstream_garbage", "enough of the reply was read"));
      return { head, body: Buffer.from(bytes).toString("utf8") };
    } finally {
      clearTimeout(this.#timer);
    }
  }

  abort(reason: GatewayError): void {
    clearTimeout(this.#timer);
    this.#call.abort(reason);
    // An aborted call tells its sink nothing.
    this.#sink?.end(reason);
  }
}
