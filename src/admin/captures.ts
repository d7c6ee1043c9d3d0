/** Captured requests. Reading one is a look-up by its id, bounded by what is kept of a request. */
import { AdminError } from "./admin-error.ts";
import type { AdminContext } from "./context.ts";
import type { Handlers } from "./handler.ts";

/** More keys than are captured at once where somebody looks at what they do. */
const MAX_KEYS = 1_000;

export function makeCaptureHandlers({
  captures,
  snapshot,
}: AdminContext): Pick<Handlers, "getCaptureState" | "deleteCaptures" | "getCapture" | "deleteCapture"> {
  return {
    getCaptureState() {
      const keys = snapshot()
        .keys.values()
        .filter(({ isCaptured }) => isCaptured)
        .map(({ name }) => name);
      return { ...captures.state, keys: [...new Set(keys.take(MAX_KEYS))] };
    },
    async deleteCaptures() {
      await captures.removeAll();
    },
    getCapture({ params: { id } }) {
      const stored = captures.read(id);
      if (stored === null) throw notCaptured();
      // As it was written: to parse and print it again would take the event loop's time.
      return new Response(stored as Uint8Array<ArrayBuffer>, {
        headers: { "content-type": "application/json" },
      });
    },
    deleteCapture({ params: { id } }) {
      if (!captures.remove(id)) throw notCaptured();
    },
  };
}

function notCaptured(): AdminError {
  return new AdminError("not_found", "nothing of this request was captured, or it is not kept any more", {
    repair: "capture.enabled and capture = true of the key switch it on for the requests that follow",
  });
}
