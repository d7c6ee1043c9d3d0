/** The contract of what reads a body in frames of the provider's own and gives it in the frames of its dialect. */
export interface Reframer {
  /** Of the body that comes out. */
  readonly contentType: string;
  /** The frames that are complete; empty for none. Throws `upstream_garbage`. */
  push(chunk: Uint8Array): Uint8Array;
  /** The body has ended. Throws `upstream_cut` within a frame. */
  end(): void;
}
