/** Writes the events of a stream as text; writes nothing for a reply that is not streamed. */
export class EventWriter {
  readonly isStream: boolean;
  #out = "";
  #number = 0;
  /** The common parts of all delta events of the open block. */
  #deltaHead = "";
  #deltaTail = "";

  constructor(isStream: boolean) {
    this.isStream = isStream;
  }

  /** The text since the last call. */
  take(): string {
    const out = this.#out;
    this.#out = "";
    return out;
  }

  /** `members` is the rest of the event's object, as JSON text. */
  event(type: string, members: string): void {
    if (!this.isStream) return;
    this.#out += `event: ${type}\ndata: {"type":"${type}","sequence_number":${this.#number++},${members}}\n\n`;
  }

  /** `type`: null where a block's text is only shown whole. */
  useDeltas(type: string | null, place: string, hasLogprobs: boolean): void {
    this.#deltaHead = type === null ? "" : `event: ${type}\ndata: {"type":"${type}","sequence_number":`;
    this.#deltaTail = type === null ? "" : `,${place}${hasLogprobs ? ',"logprobs":[]' : ""},"delta":`;
  }

  delta(text: string): void {
    if (!this.hasDeltas) return;
    this.#out += `${this.#deltaHead}${this.#number++}${this.#deltaTail}${JSON.stringify(text)}}\n\n`;
  }

  /** Text of the open block is shown piece by piece. */
  get hasDeltas(): boolean {
    return this.isStream && this.#deltaHead !== "";
  }
}
