/** JSON text of a parsed value; null: it is nested so deeply that the runtime gives up on it. */
export function jsonText(value: unknown): string | null {
  try {
    return JSON.stringify(value);
  } catch (cause) {
    if (cause instanceof RangeError) return null;
    throw cause;
  }
}
