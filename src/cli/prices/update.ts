/** `clewline prices update`: takes a newer price list into the data folder. */
import { resolve } from "node:path";
import { writeAtomically } from "../../config/atomic-file.ts";
import { findConfigFile } from "../../config/file.ts";
import { loadNetworkVia } from "../../config/network/load-network.ts";
import { ConfigError, renderProblems } from "../../config/problem.ts";
import {
  builtInPrices,
  MAX_FILE_BYTES,
  type PriceFile,
  pricesFile,
  readPriceBytes,
  readPriceFile,
} from "../../prices/price-files.ts";
import { PriceListError } from "../../prices/price-list-text.ts";
import { DownloadError, download } from "../../transport/download.ts";
import { makeHttp1Transport } from "../../transport/http1/client.ts";
import { makeWatchdog } from "../../transport/watchdog.ts";
import { type CliIo, EXIT } from "../cli.ts";
import { UsageError } from "../command.ts";
import { type FolderFlags, findDataDir } from "../ledger-reader.ts";

const TIMEOUT_MS = 60_000;

/** `from`: the path of a list, or its https URL. */
export async function update(from: string, flags: FolderFlags, io: CliIo): Promise<number> {
  const refuse = (fault: string): number => {
    io.err(`clewline prices: ${fault}\n`);
    return EXIT.failed;
  };
  const read = await (isUrl(from) ? downloaded(from, flags, io) : readPriceFile(resolve(io.cwd, from))).catch(
    (error: Error) => error,
  );
  if (read instanceof PriceListError) return refuse(`${from} is no price list: ${read.message}`);
  if (read instanceof ConfigError) {
    io.err(renderProblems(read.problems));
    return EXIT.config;
  }
  if (read instanceof DownloadError) return refuse(`${from} cannot be downloaded: ${read.message}`);
  if (read instanceof Error)
    throw new UsageError(`--from ${from} does not exist; give the path of a price list, or its https URL`);
  const { list, text } = read;
  const builtIn = await builtInPrices();
  if (list.version <= builtIn.version)
    return refuse(
      `${from} is of ${list.version} and the program's own list is of ${builtIn.version}, so the program's holds already; give a later list`,
    );
  const file = pricesFile(await findDataDir(flags, io));
  try {
    await writeAtomically(file, text, io.ids.hex(8));
  } catch (error) {
    return refuse(
      `${file} cannot be written (${(error as Error).message}), so the list before it still holds`,
    );
  }
  const models = list.providers.flatMap((provider) => provider.models);
  const disputed = models.filter(({ disputes = [] }) => disputes.length > 0).length;
  io.out(
    `${file}: prices of ${list.version}, ${list.providers.length} providers, ${models.length} models, ${disputed} disputed\n`,
  );
  return EXIT.ok;
}

function isUrl(from: string): boolean {
  return /^[a-z][a-z0-9+.-]*:\/\//i.test(from);
}

async function downloaded(url: string, flags: FolderFlags, { env, cwd, clock }: CliIo): Promise<PriceFile> {
  const via = await loadNetworkVia({ file: findConfigFile(flags, env, cwd), env, cwd });
  const transport = makeHttp1Transport(clock, makeWatchdog(clock));
  try {
    const options = { transport, via, limitBytes: MAX_FILE_BYTES, timeoutMs: TIMEOUT_MS };
    return readPriceBytes(await download(url, options));
  } finally {
    transport.stop();
  }
}
