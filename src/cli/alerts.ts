/** `clewline alerts test`: sends a test to the channels of the configuration, and tells what came of it. */
import { type Channel, channelsOf, receiverOf } from "../alerts/channel.ts";
import type { Delivery, Failure } from "../alerts/delivery.ts";
import { makeSend } from "../alerts/send.ts";
import { testCall } from "../alerts/test-call.ts";
import { findConfigFile } from "../config/file.ts";
import { loadConfig } from "../config/load.ts";
import { suggest } from "../core/nearest.ts";
import { makeHttp1Transport } from "../transport/http1/client.ts";
import { makeWatchdog } from "../transport/watchdog.ts";
import { type CliIo, EXIT } from "./cli.ts";
import { makeCommand, UsageError } from "./command.ts";
import { toJsonLine } from "./table.ts";

export const alerts = makeCommand(
  {
    name: "alerts",
    usage: ["test [CHANNEL] [--config FILE] [--json]"],
    about:
      "Sends a test alert to the channels of the configuration, or to one of them, and says what each receiver answers.",
    positionals: { test: "the only action", CHANNEL: "the name of a channel; absent: all of them" },
    flags: {
      config: { value: "FILE", help: "the file (else CLEWLINE_CONFIG, ./clewline.toml, the user's folder)" },
      json: { help: "one JSON object a channel on standard output" },
    },
    notes:
      "Exit code: 0 every receiver took it, 1 one did not or there is no channel, 2 wrong usage, 78 wrong configuration.",
  },
  async ({ flags, positionals: [action, name, ...rest] }, io) => {
    if (action !== "test")
      throw new UsageError(
        `${action ?? "nothing"} is no action; ${suggest(action ?? "", ["test"], "write clewline alerts test")}`,
      );
    if (rest.length > 0) throw new UsageError(`${rest[0]} is one argument too many`);
    const { config } = await loadConfig({
      file: findConfigFile(flags, io.env, io.cwd),
      env: io.env,
      flags: {},
      cwd: io.cwd,
      hashPassword: async () => "",
      // Whether a gateway may start with them is its own affair.
      sharedFiles: "ignore",
    });
    const channels = channelsOf(config.alerts);
    if (channels.length === 0) {
      io.err(
        `clewline alerts: ${config.file ?? "the configuration"} has no webhook and no channel; add [alerts] with webhook = "https://…", or [[alerts.channels]]\n`,
      );
      return EXIT.failed;
    }
    const chosen = name === undefined ? channels : channels.filter((channel) => channel.name === name);
    if (chosen.length === 0) {
      const names = channels.map((channel) => channel.name);
      throw new UsageError(
        `${name} is no channel of the configuration; ${suggest(name ?? "", names, `channels: ${names.join(", ")}`)}`,
      );
    }
    const transport = makeHttp1Transport(io.clock, makeWatchdog(io.clock));
    try {
      const send = makeSend({ transport, network: () => config.network });
      let isTakenByAll = true;
      for (const channel of chosen) {
        const nowMs = io.clock.nowMs();
        const delivery = await send(channel, testCall(io.ids, nowMs), nowMs);
        isTakenByAll &&= delivery.isTaken;
        tell(channel, delivery, flags.json, io);
      }
      return isTakenByAll ? EXIT.ok : EXIT.failed;
    } finally {
      transport.stop();
    }
  },
);

function tell(channel: Channel, delivery: Delivery, isJson: boolean, io: CliIo): void {
  if (isJson) io.out(toJsonLine(toJson(channel, delivery)));
  else if (delivery.isTaken) {
    const note = delivery.note === undefined ? "" : `, but ${delivery.note}`;
    io.out(`ok: ${receiverOf(channel)} took the test alert (status ${delivery.status})${note}\n`);
  } else io.err(failureText(channel, delivery));
}

function toJson(channel: Channel, delivery: Delivery) {
  const { isTaken, status } = delivery;
  const failure = isTaken
    ? { problem: delivery.note ?? null, body: null }
    : { problem: delivery.problem, body: delivery.body };
  return { channel: channel.name, ok: isTaken, receiver: receiverOf(channel), status, ...failure };
}

function failureText({ kind, format, setting }: Channel, { problem, body, status }: Failure): string {
  const said = body === "" ? "" : `it says: ${body}\n`;
  const hint =
    status === 400 && kind === "webhook" && format === "event"
      ? `A chat that refuses members other than the text needs ${setting}.format = "chat".\n`
      : "";
  return `clewline alerts: ${problem}\n${said}${hint}`;
}
