/** One e-mail to the receivers of a channel, by SMTP. Loaded by the first one. */
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { createTransport, type NodemailerError } from "nodemailer";
import type { Via } from "../config/network/via.ts";
import { isIP } from "../core/addresses/ip-address.ts";
import { GatewayError } from "../core/errors.ts";
import { type Channel, mailPortOf, receiverOf, withoutSecrets } from "./channel.ts";
import { addressesOf, beginningOf, type Call, type Delivery, failed, type Line, whyNot } from "./delivery.ts";

const MAX_SUBJECT_CHARS = 120;
/** The deadline of the whole call ends it; nodemailer's own must not come before. */
const NO_TIMEOUT_MS = 3_600_000;

/** By the codes of nodemailer. What is not here broke off. */
const PROBLEMS: Readonly<Record<string, string>> = {
  EAUTH: "refuses the user or the password",
  ENOAUTH: "refuses the user or the password",
  ETLS: "does not begin TLS where it must, or has a TLS certificate that is not accepted",
  ESOCKET: "broke the connection off, or has a TLS certificate that is not accepted",
  EENVELOPE: "refuses the sender or every receiver",
  EMESSAGE: "refuses the message",
};

export async function mail(channel: Channel, call: Call, nowMs: number, line: Line): Promise<Delivery> {
  const { user, password, encryption } = channel;
  const host = channel.host ?? "";
  const port = mailPortOf(channel);
  const isSecure = encryption === "tls";
  const { via } = line.network;
  const found = await addressesOf(
    channel,
    new URL(`https://${isIP(host) === 6 ? `[${host}]` : host}:${port}`),
    line,
  );
  if ("fault" in found) return failed(receiverOf(channel), null, found.fault);
  let unreachable: GatewayError | null = null;
  const transport = createTransport({
    host,
    port,
    secure: isSecure,
    requireTLS: encryption === "starttls",
    ignoreTLS: encryption === "none",
    ...(user === null || password === null ? {} : { auth: { user, pass: password } }),
    tls: tlsOptionsOf(host, via),
    socketTimeout: NO_TIMEOUT_MS,
    greetingTimeout: NO_TIMEOUT_MS,
    disableFileAccess: true,
    disableUrlAccess: true,
    getSocket: (_options, done) => {
      line.transport.dial.open({ host, port, isSecure, via, ...found, timeoutMs: line.timeoutMs }).then(
        (stream) => {
          line.signal.addEventListener("abort", () => stream.destroy(), { once: true });
          done(null, { connection: socketOf(stream), secured: isSecure });
        },
        (cause: Error) => {
          if (cause instanceof GatewayError) unreachable = cause;
          done(cause);
        },
      );
    },
  });
  try {
    const { response, rejected = [] } = await transport.sendMail(messageOf(channel, call, nowMs));
    const note = rejected.length === 0 ? {} : { note: `it refused ${rejected.join(", ")}` };
    return { isTaken: true, status: statusOf(response) ?? 250, ...note };
  } catch (cause) {
    return failureOf(channel, cause as NodemailerError, unreachable);
  } finally {
    transport.close();
  }
}

function messageOf({ from, to }: Channel, { id, text }: Call, nowMs: number) {
  const sender = from ?? "";
  const [first = ""] = text.split("\n");
  return {
    from: { name: "Clewline", address: sender },
    to: [...(to ?? [])],
    subject: `Clewline: ${first.replace(/:$/, "").slice(0, MAX_SUBJECT_CHARS)}`,
    text,
    date: new Date(nowMs),
    // The same message has the same id, so that a mailbox can tell a repetition.
    messageId: `<${id}@${sender.slice(sender.indexOf("@") + 1)}>`,
    headers: { "auto-submitted": "auto-generated" },
  };
}

function failureOf(channel: Channel, cause: NodemailerError, unreachable: GatewayError | null): Delivery {
  const { code = "", response = "" } = cause;
  const status = cause.responseCode ?? statusOf(response);
  const problem = unreachable === null ? (PROBLEMS[code] ?? "broke the connection off") : whyNot(unreachable);
  const shown = status === null ? problem : `${problem} (status ${status})`;
  return {
    ...failed(receiverOf(channel), status, shown),
    body: beginningOf(withoutSecrets(response, channel)),
  };
}

function statusOf(response: string): number | null {
  const digits = /^\d{3}/.exec(response)?.[0];
  return digits === undefined ? null : Number(digits);
}

/** nodemailer sets times on its socket; the deadline of the whole call is enough. */
function socketOf(stream: Duplex): Socket {
  const itself = (): Duplex => stream;
  // What breaks off before nodemailer listens must not end the process.
  stream.on("error", () => stream.destroy());
  return Object.assign(stream, {
    setTimeout: itself,
    setKeepAlive: itself,
    setNoDelay: itself,
  }) as unknown as Socket;
}

/** For a connection that becomes TLS later. No environment variable can turn the check off. */
function tlsOptionsOf(host: string, { tls }: Via) {
  return {
    rejectUnauthorized: true,
    minVersion: tls?.minVersion === "1.3" ? "TLSv1.3" : "TLSv1.2",
    ...(isIP(host) === 0 ? { servername: host } : {}),
    ...(tls === null || tls.ca === null ? {} : { ca: tls.ca }),
    ...tls?.client,
  } as const;
}
