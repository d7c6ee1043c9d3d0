/** Downloads a file that a person names in a command. For URLs of clients, `media-fetch.ts` has stricter rules. */
import type { Via } from "../config/network/via.ts";
import { GatewayError } from "../core/errors.ts";
import type { Transport } from "./call.ts";
import { callSmall, type SmallReply } from "./small-call.ts";

export interface DownloadOptions {
  readonly transport: Transport;
  /** The way to the servers. */
  readonly via: Via;
  readonly limitBytes: number;
  /** For all of it: DNS, redirects and the body. */
  readonly timeoutMs: number;
}

/** A download that failed; the message says why, without the URL. */
export class DownloadError extends Error {}

const REDIRECTS = new Set([301, 302, 303, 307, 308]);
const MAX_REDIRECTS = 3;

/** The bytes of an https URL, also behind redirects to others. Rejects with `DownloadError`. */
export async function download(url: string, options: DownloadOptions): Promise<Uint8Array> {
  const signal = AbortSignal.timeout(options.timeoutMs);
  let target = url;
  for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects++) {
    const { status, headers, bytes } = await ask(httpsOnly(target), options, signal);
    const location = REDIRECTS.has(status) ? headers.get("location") : null;
    if (location === null) {
      if (status < 200 || status > 299) throw new DownloadError(`its server answers with status ${status}`);
      return bytes;
    }
    target = URL.parse(location, target)?.href ?? "";
  }
  throw new DownloadError(`its server redirects more than ${MAX_REDIRECTS} times`);
}

/** Who can change a file on its way could change what it says. */
function httpsOnly(url: string): string {
  const parsed = URL.parse(url);
  if (parsed?.protocol !== "https:" || parsed.username !== "")
    throw new DownloadError("it is no https URL, or redirects to one that is none");
  return parsed.href;
}

async function ask(
  url: string,
  { transport, via, limitBytes, timeoutMs }: DownloadOptions,
  signal: AbortSignal,
): Promise<SmallReply> {
  const headers = [["user-agent", "clewline"]] as const;
  try {
    return await callSmall(transport, {
      url,
      method: "GET",
      headers,
      body: null,
      via,
      timeoutMs,
      limitBytes,
      signal,
    });
  } catch (cause) {
    if (signal.aborted) throw new DownloadError(`it took more than ${timeoutMs / 1000} s`);
    if (!(cause instanceof GatewayError)) throw cause;
    const isTooLong = cause.message.endsWith(`longer than ${limitBytes} bytes`);
    throw new DownloadError(isTooLong ? `it has more than ${limitBytes} bytes` : cause.message);
  }
}
