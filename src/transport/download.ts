/** Downloads a file that a person names in a command. For URLs of clients, `media-fetch.ts` has stricter rules. */

export interface DownloadOptions {
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
  try {
    let target = url;
    for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects++) {
      const reply = await fetch(httpsOnly(target), { redirect: "manual", signal });
      const location = REDIRECTS.has(reply.status) ? reply.headers.get("location") : null;
      if (location === null) return await bodyOf(reply, options.limitBytes);
      await reply.body?.cancel();
      target = new URL(location, target).href;
    }
    throw new DownloadError(`its server redirects more than ${MAX_REDIRECTS} times`);
  } catch (error) {
    if (error instanceof DownloadError) throw error;
    throw new DownloadError(
      signal.aborted ? `it took more than ${options.timeoutMs / 1000} s` : (error as Error).message,
    );
  }
}

/** Who can change a file on its way could change what it says. */
function httpsOnly(url: string): string {
  if (URL.parse(url)?.protocol !== "https:")
    throw new DownloadError("it is no https URL, or redirects to one that is none");
  return url;
}

async function bodyOf(reply: Response, limitBytes: number): Promise<Uint8Array> {
  if (!reply.ok) {
    await reply.body?.cancel();
    throw new DownloadError(`its server answers with status ${reply.status}`);
  }
  const chunks: Uint8Array[] = [];
  let sizeBytes = 0;
  for await (const chunk of reply.body ?? []) {
    sizeBytes += chunk.byteLength;
    if (sizeBytes > limitBytes) throw new DownloadError(`it has more than ${limitBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
