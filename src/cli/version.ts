import packageJson from "../../package.json" with { type: "json" };

/** The version that `--version` and the metrics show. */
export const VERSION: string = packageJson.version;
