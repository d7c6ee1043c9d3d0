/** One e-mail to the receivers of a channel, by SMTP. Loaded by the first one. */
import { createTransport, type NodemailerError } from "nodemailer";
import { addressesOfHost, NoReply } from "../transport/pinned-call.ts";
import { openPinned, tlsOptionsFor } from "../transport/pinned-socket.ts";
import { type Channel, mailPortOf, receiverOf, withoutSecrets } from "./channel.ts";
import { addressFault, beginningOf, type Call, type Delivery, failed, type Line } from "./delivery.ts";

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

export async function mail(
  channel: Channel,
  call: Call,
  nowMs: number,
  { resolve, ca, signal }: Line,
): Promise<Delivery> {
  const { user, password, encryption } = channel;
  const host = channel.host ?? "";
  const port = mailPortOf(channel);
  const isSecure = encryption === "tls";
  const addresses = await addressesOfHost(host, resolve);
  const fault = addressFault(channel, addresses);
  if (fault !== null) return failed(receiverOf(channel), null, fault);
  let noReply: NoReply | null = null;
  const transport = createTransport({
    host,
    port,
    secure: isSecure,
    requireTLS: encryption === "starttls",
    ignoreTLS: encryption === "none",
    ...(user === null || password === null ? {} : { auth: { user, pass: password } }),
    tls: tlsOptionsFor(host, ca),
    socketTimeout: NO_TIMEOUT_MS,
    greetingTimeout: NO_TIMEOUT_MS,
    disableFileAccess: true,
    disableUrlAccess: true,
    getSocket: (_options, done) => {
      openPinned({ host, port, addresses, isSecure, ca, signal }).then(
        (connection) => done(null, { connection, secured: isSecure }),
        (cause: Error) => {
          if (cause instanceof NoReply) noReply = cause;
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
    return failureOf(channel, cause as NodemailerError, noReply);
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

function failureOf(channel: Channel, cause: NodemailerError, noReply: NoReply | null): Delivery {
  const { code = "", response = "" } = cause;
  const status = cause.responseCode ?? statusOf(response);
  const problem =
    noReply === null
      ? (PROBLEMS[code] ?? "broke the connection off")
      : noReply.why === "certificate"
        ? "has a TLS certificate that is not accepted"
        : "cannot be reached";
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
