/** Logs each change of a credential's state, and keeps the changes of one turn together. */
import type { Log } from "../core/log.ts";
import type { CredentialSpec, PersistedState } from "./credential.ts";
import { refusalIn, type StateFacts } from "./park.ts";

export class StateChanges {
  readonly #persist: (states: readonly PersistedState[]) => void;
  readonly #log: Log;
  /** The last state of each credential, or of each credential and model, that changed in this turn. */
  readonly #unsaved = new Map<string, PersistedState>();

  constructor(persist: (states: readonly PersistedState[]) => void, log: Log) {
    this.#persist = persist;
    this.#log = log;
  }

  add(spec: CredentialSpec, model: string | null, facts: StateFacts): void {
    if (this.#unsaved.size === 0) queueMicrotask(() => this.#save());
    const { upstream, name, fingerprint } = spec;
    const key = JSON.stringify([spec.id, model]);
    this.#unsaved.set(key, { upstream, credential: name, model, fingerprint, ...facts });
    const { clientKey, ...said } = facts;
    const refusal = refusalIn(facts.reason);
    const needsPerson = refusal !== null || (facts.state !== "ready" && facts.untilMs === null);
    this.#log[needsPerson ? "warn" : "info"](
      { credential: spec.id, model, ...said, ...(clientKey === undefined ? {} : { key: clientKey }) },
      refusal === null
        ? "credential state changed"
        : `the provider refuses the credential ${spec.id}: ${refusal}; see \`clewline credentials\``,
    );
  }

  #save(): void {
    const states = [...this.#unsaved.values()];
    this.#unsaved.clear();
    try {
      this.#persist(states);
    } catch (error) {
      // The states still hold in this process: only a restart would forget them.
      this.#log.error({ error: String(error) }, "credential states could not be kept");
    }
  }
}
