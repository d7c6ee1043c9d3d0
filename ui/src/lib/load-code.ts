/** Code of the pages that is loaded when it is needed. */

const PAUSES_MS = [300, 1_500];

/** Tries again: a connection that breaks in that moment would leave the page empty. */
export async function loadCode<Code>(read: () => Promise<Code>): Promise<Code> {
  for (const pauseMs of PAUSES_MS) {
    try {
      return await read();
    } catch {
      await new Promise((wake) => setTimeout(wake, pauseMs));
    }
  }
  return await read();
}
