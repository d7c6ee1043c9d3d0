/** Reads a file of a bounded size, and nothing that is no file. */
import { constants } from "node:fs";
import { open } from "node:fs/promises";

type FileBytes =
  | { readonly ok: true; readonly bytes: Uint8Array }
  | { readonly ok: false; readonly fault: "not-a-file" }
  | { readonly ok: false; readonly fault: "too-large"; readonly sizeBytes: number };

/**
 * The bytes of a file. A pipe, a device or a folder is never read: a pipe without a writer would stop every later
 * reload, and a device has no end. Throws the system's own error.
 */
export async function readRegularFile(path: string, maxBytes: number): Promise<FileBytes> {
  // Without O_NONBLOCK the opening of a pipe would wait for a writer.
  const handle = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  try {
    const stats = await handle.stat();
    if (!stats.isFile()) return { ok: false, fault: "not-a-file" };
    if (stats.size > maxBytes) return { ok: false, fault: "too-large", sizeBytes: stats.size };
    return { ok: true, bytes: await handle.readFile() };
  } finally {
    await handle.close();
  }
}

/** The system's code of an error that `readRegularFile` has thrown. */
export function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "unknown error";
}
