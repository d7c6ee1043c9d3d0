/** `clewline alerts test`: sends a test to the webhook of the configuration, and tells what came of it. */
import { render } from "../alerts/message.ts";
import { type Delivery, makeWebhook } from "../alerts/webhook.ts";
import type { Config } from "../config/config.ts";
import { findConfigFile } from "../config/file.ts";
import { loadConfig } from "../config/load.ts";
import { suggest } from "../core/nearest.ts";
import { type CliIo, EXIT } from "./cli.ts";
import { makeCommand, UsageError } from "./command.ts";
import { toJsonLine } from "./table.ts";

const TYPE = "alerts.test";
const TEXT = "This is a test of Clewline's alerts. Nothing has happened.";

export const alerts = makeCommand(
  {
    name: "alerts",
    usage: ["test [--config FILE] [--json]"],
    about: "Sends a test alert to the webhook of the configuration, and says what its receiver answers.",
    positionals: { test: "the only action" },
    flags: {
      config: { value: "FILE", help: "the file (else CLEWLINE_CONFIG, ./clewline.toml, the user's folder)" },
      json: { help: "one JSON object on standard output" },
    },
    notes:
      "Exit code: 0 the receiver took it, 1 it did not or there is no webhook, 2 wrong usage, 78 wrong configuration.",
  },
  async ({ flags, positionals: [action, ...rest] }, io) => {
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
    });
    const { webhook } = config.alerts;
    if (webhook === null) {
      io.err(
        `clewline alerts: ${config.file ?? "the configuration"} has no webhook; add [alerts] with webhook = "https://…"\n`,
      );
      return EXIT.failed;
    }
    const delivery = await send(config, io);
    if (flags.json) io.out(toJsonLine(toJson(new URL(webhook), delivery)));
    else if (delivery.isTaken)
      io.out(`ok: ${new URL(webhook).origin} took the test alert (status ${delivery.status})\n`);
    else io.err(failureText(delivery));
    return delivery.isTaken ? EXIT.ok : EXIT.failed;
  },
);

function send({ alerts: settings }: Config, { clock, ids }: CliIo): Promise<Delivery> {
  const nowMs = clock.nowMs();
  const id = `alert_${ids.ulid(nowMs)}`;
  return makeWebhook()(settings, { id, text: TEXT, event: render(TYPE, id, nowMs, TEXT, "{}") }, nowMs);
}

function toJson({ origin }: URL, delivery: Delivery) {
  const { isTaken, status } = delivery;
  const failure = isTaken
    ? { problem: null, body: null }
    : { problem: delivery.problem, body: delivery.body };
  return { ok: isTaken, receiver: origin, status, ...failure };
}

function failureText({ problem, body, status }: Delivery & { readonly isTaken: false }): string {
  const said = body === "" ? "" : `it says: ${body}\n`;
  const hint =
    status === 400 ? 'A chat that refuses members other than the text needs alerts.format = "chat".\n' : "";
  return `clewline alerts: ${problem}\n${said}${hint}`;
}
