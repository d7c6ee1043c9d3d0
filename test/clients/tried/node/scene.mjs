/** The runner's cases: `CASES` in the environment. Each is asked for the whole text of an answer. */
export const { GATEWAY_URL: url, GATEWAY_KEY: apiKey } = process.env;

/** Calls `answer({ model, way, task, prompt })` for each case, and prints a line of JSON with the text or the trouble. */
export async function askEach(answer) {
  for (const { prompt, ...known } of JSON.parse(process.env.CASES)) {
    const told = await answer({ prompt, ...known }).then(
      (text) => ({ text }),
      (error) => ({ trouble: String(error?.stack ?? error).slice(-1500) }),
    );
    console.log(`\n${JSON.stringify({ ...known, ...told })}`);
  }
}
