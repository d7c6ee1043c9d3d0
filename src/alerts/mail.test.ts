// E-mail through a real SMTP server: encrypted or not at all, and no error has the password.
import { afterEach, expect, test } from "bun:test";
import { startRaw, stopServers } from "../transport/fixtures/file-servers.ts";
import type { Channel } from "./channel.ts";
import { makeChannel } from "./fixtures/channels.ts";
import {
  CA_PEM,
  MAIL_PASSWORD,
  MAIL_USER,
  type Mail,
  type MailServer,
  startMailServer,
  stopMailServers,
} from "./fixtures/mail-server.ts";
import { sendUnderTest, type TestSendOptions } from "./fixtures/send-under-test.ts";

const NOW = Date.parse("2026-11-29T10:00:00Z");
const TEXT = "Key ci has spent 40.10 of 50.00 dollars.\n.\nGrüße · <b>";

afterEach(() => {
  stopServers();
  stopMailServers();
});

function send(
  { port }: Pick<MailServer, "port">,
  changes: Partial<Channel> = {},
  options: TestSendOptions = {},
  text = TEXT,
) {
  const channel = makeChannel({
    kind: "email",
    host: "localhost",
    port,
    from: "clewline@example.test",
    to: ["ops@example.test", "boss@example.test"],
    ...changes,
  });
  const resolve = () => Promise.resolve(["127.0.0.1"]);
  return sendUnderTest({ ca: CA_PEM, resolve, ...options })(
    channel,
    { id: "alert_01KB", event: "{}", text },
    NOW,
  );
}

/** The text behind quoted-printable or base64. */
function bodyOf({ source }: Mail): string {
  const [head = "", ...rest] = source.split("\r\n\r\n");
  const body = rest.join("\r\n\r\n");
  if (/transfer-encoding: base64/i.test(head)) return Buffer.from(body, "base64").toString();
  const bytes = body
    .replace(/=\r\n/g, "")
    .replace(/=([0-9A-F]{2})/g, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16)));
  return /quoted-printable/i.test(head) ? Buffer.from(bytes, "latin1").toString() : body;
}

test.each(["starttls", "tls"] as const)(
  "a mail goes out encrypted by %s, with its user",
  async (encryption) => {
    const server = await startMailServer({ isSecure: encryption === "tls", wantsUser: true });
    const delivery = await send(server, { encryption, user: MAIL_USER, password: MAIL_PASSWORD });
    expect(delivery).toEqual({ isTaken: true, status: 250 });
    const [mail] = server.mails as [Mail];
    expect(mail).toMatchObject({
      from: "clewline@example.test",
      to: ["ops@example.test", "boss@example.test"],
      isSecure: true,
      user: MAIL_USER,
    });
    expect(mail.source).toContain("From: Clewline <clewline@example.test>\r\n");
    expect(mail.source).toContain("Subject: Clewline: Key ci has spent 40.10 of 50.00 dollars.\r\n");
    expect(mail.source).toContain("Date: Sun, 29 Nov 2026 10:00:00 +0000\r\n");
    expect(mail.source).toContain("Message-ID: <alert_01KB@example.test>\r\n");
    expect(mail.source).toContain("Auto-Submitted: auto-generated\r\n");
    expect(bodyOf(mail).trimEnd().replaceAll("\r\n", "\n")).toBe(TEXT);
  },
);

test("a name with line ends makes no header, and a long one no long subject", async () => {
  const server = await startMailServer();
  await send(server, {}, {}, `evil\r\nBcc: all@evil.test ${"x".repeat(5_000)}`);
  const head = server.mails[0]?.source.split("\r\n\r\n")[0] ?? "";
  expect(head).not.toMatch(/^Bcc:/im);
  for (const line of head.split("\r\n")) expect(line.length).toBeLessThan(200);
});

test("a server that offers no STARTTLS gets nothing", async () => {
  const server = await startMailServer({ hasStartTls: false });
  const delivery = await send(server, { user: MAIL_USER, password: MAIL_PASSWORD });
  expect(delivery).toMatchObject({
    isTaken: false,
    problem: expect.stringContaining("does not begin TLS where it must"),
  });
  expect(server.mails).toEqual([]);
});

test("a certificate that nobody vouches for, and one of another name, are refused", async () => {
  for (const [encryption, changes, options] of [
    ["starttls", {}, { ca: undefined }],
    ["tls", {}, { ca: undefined }],
    ["starttls", { host: "mail.example.test" }, {}],
    ["tls", { host: "mail.example.test" }, {}],
  ] as const) {
    const server = await startMailServer({ isSecure: encryption === "tls", wantsUser: true });
    const login = { user: MAIL_USER, password: MAIL_PASSWORD };
    const delivery = await send(server, { encryption, ...login, ...changes }, options);
    expect(delivery).toMatchObject({
      isTaken: false,
      problem: expect.stringContaining("a TLS certificate that is not accepted"),
    });
    expect(server.mails).toEqual([]);
  }
});

test("without encryption a mail goes to a server of one's own", async () => {
  const server = await startMailServer({ hasStartTls: false });
  expect(await send(server, { encryption: "none" })).toMatchObject({ isTaken: true });
  expect(server.mails[0]?.isSecure).toBe(false);
});

test("a refused password is told without the password, in whatever form the server gives it back", async () => {
  const server = await startMailServer({ wantsUser: true });
  const password = "wrong-password-9";
  const delivery = await send(server, { user: MAIL_USER, password });
  expect(delivery).toMatchObject({
    isTaken: false,
    status: 535,
    problem: `localhost:${server.port} refuses the user or the password (status 535)`,
    body: expect.stringContaining("Invalid"),
  });
  const said = JSON.stringify(delivery);
  expect(said).not.toContain(password);
  expect(said).not.toContain(Buffer.from(password).toString("base64"));
});

test("one refused receiver is told beside those that got the mail; when all are refused, nobody did", async () => {
  const refusal = (address: string): string | null => (address.startsWith("boss") ? "no such user" : null);
  const some = await startMailServer({ refusal });
  expect(await send(some)).toEqual({ isTaken: true, status: 250, note: "it refused boss@example.test" });
  expect(some.mails[0]?.to).toEqual(["ops@example.test"]);
  const none = await startMailServer({ refusal: () => "no such user" });
  expect(await send(none)).toMatchObject({
    isTaken: false,
    problem: expect.stringContaining("refuses the sender or every receiver"),
    body: expect.stringContaining("no such user"),
  });
});

test("the name of a server is looked up once for a mail, and no address inside is taken in between", async () => {
  const { port, mails } = await startMailServer();
  let lookups = 0;
  const resolve = () => Promise.resolve([lookups++ === 0 ? "127.0.0.1" : "127.0.0.9"]);
  expect(await send({ port }, {}, { resolve })).toMatchObject({ isTaken: true });
  expect([lookups, mails.length]).toEqual([1, 1]);
  const mixed = () => Promise.resolve(["93.184.216.34", "127.0.0.1"]);
  expect(await send({ port }, { allowPrivate: false }, { resolve: mixed })).toMatchObject({
    status: null,
    problem: expect.stringContaining("leads to an address that is not public"),
  });
  expect(mails.length).toBe(1);
});

test("an unknown name, a closed port, silence and nonsense are told, and no exception ends the process", async () => {
  expect(
    await send({ port: 25 }, {}, { resolve: () => Promise.reject(new Error("ENOTFOUND")) }),
  ).toMatchObject({
    problem: "localhost:25 has no address that DNS knows",
  });
  const { port } = await startMailServer();
  stopMailServers();
  expect(await send({ port })).toMatchObject({
    isTaken: false,
    status: null,
    problem: expect.stringContaining("cannot be reached"),
  });
  const silent = await startRaw("", false);
  expect(await send({ port: silent }, {}, { timeoutMs: 100 })).toMatchObject({
    problem: `localhost:${silent} did not answer within 100 ms`,
  });
  for (const encryption of ["starttls", "tls"] as const) {
    const raw = await startRaw("HTTP/1.1 400 Bad Request\r\n\r\n");
    expect(await send({ port: raw }, { encryption }, { timeoutMs: 3_000 })).toMatchObject({ isTaken: false });
  }
});
