/** Turns a body in the provider's own frames into the frames of its dialect. */
export interface Reframer {
  /** The content-type of the resulting body. */
  readonly contentType: string;
  /** The frames that `chunk` completes; empty when it completes none. Throws `upstream_garbage`. */
  push(chunk: Uint8Array): Uint8Array;
  /** The body has ended. Throws `upstream_cut` when it ended within a frame. */
  end(): void;
}
