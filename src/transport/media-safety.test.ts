import { afterEach, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { createServer as createTlsServer } from "node:tls";
import { startSocksProxy, viaProxy } from "./dial/fixtures/proxies.ts";
import {
  IMAGES,
  makeLocalFetch,
  NOT_PUBLIC,
  PNG,
  portOf,
  problem,
  REPAIR,
  refusal,
  startFiles,
  startRaw,
  stopServers,
  TRANSPORT,
} from "./fixtures/file-servers.ts";
import { makeMediaFetch } from "./media-fetch.ts";

afterEach(stopServers);

describe("a URL is refused", () => {
  const untouched = makeLocalFetch({ resolve: () => Promise.reject(new Error("was looked up")) });

  test("when it is not one of the Web", async () => {
    for (const url of [
      "",
      "picture.png",
      "//host/a",
      "https://",
      "http://[::1",
      `https://a.test/${"x".repeat(9_000)}`,
    ]) {
      expect(await problem(untouched(url, IMAGES))).toBe("a file's URL is not valid or too long");
    }
    for (const url of [
      "file:///etc/passwd",
      "ftp://a.test/",
      "data:image/png;base64,AA",
      "gs://bucket/a",
      "javascript:1",
    ]) {
      expect(await problem(untouched(url, IMAGES))).toBe("a file's URL is not an http or https URL");
    }
    for (const url of ["https://user:secret@a.test/", "https://user@a.test/", "http://:secret@a.test/"]) {
      expect(await problem(untouched(url, IMAGES))).toBe("a file's URL holds a user name or password");
    }
  });

  test("when its host is an address that is not public, however it is spelled", async () => {
    const strict = makeMediaFetch({
      transport: TRANSPORT,
      limitBytes: 1_000,
      timeoutMs: 10_000,
      resolve: () => Promise.reject(new Error()),
    });
    const hosts = [
      ...[
        "127.0.0.1",
        "2130706433",
        "0x7f000001",
        "0x7f.1",
        "017700000001",
        "0177.0.0.1",
        "127.1",
        "127.0.0.1.",
      ],
      ...["169.254.169.254", "0xa9fea9fe", "2852039166", "0251.0376.0251.0376", "169.254.43518"],
      ...[
        "0",
        "0.0.0.0",
        "10.0.0.1",
        "100.64.0.1",
        "192.168.1.1",
        "１２７.0.0.1",
        "127%2e0.0.1",
        "①②⑦.0.0.1",
      ],
      ...[
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::ffff:a9fe:a9fe]",
        "[0:0:0:0:0:ffff:7f00:1]",
        "[::127.0.0.1]",
      ],
      ...["[64:ff9b::7f00:1]", "[2002:7f00:1::]", "[2001::1]", "[fd00:ec2::254]", "[fe80::1]", "[ff02::1]"],
    ];
    for (const host of hosts) {
      expect(await problem(strict(`http://${host}/latest/meta-data/`, IMAGES))).toEndWith(NOT_PUBLIC);
    }
    for (const host of ["8.8.8.8:8080", "8.8.8.8:22", "[2606:4700::1111]:6379"]) {
      expect(await problem(strict(`https://${host}/`, IMAGES))).toEndWith(NOT_PUBLIC);
    }
  });

  test("when any address of its host is not public, in the same words as when there is none", async () => {
    const answers: Record<string, readonly string[]> = {
      "private.test": ["10.0.0.7"],
      "mixed.test": ["93.184.216.34", "127.0.0.1"],
      "mixed6.test": ["2606:4700::1111", "::ffff:10.0.0.1"],
      "zone.test": ["fe80::1%eth0"],
      "strange.test": ["not an address"],
      "nobody.test": [],
    };
    const strict = makeMediaFetch({
      transport: TRANSPORT,
      limitBytes: 1_000,
      timeoutMs: 10_000,
      resolve: (host) => {
        const found = answers[host];
        return found === undefined ? Promise.reject(new Error("ENOTFOUND")) : Promise.resolve(found);
      },
    });
    for (const host of [...Object.keys(answers), "unknown.test"]) {
      const error = await refusal(strict(`https://${host}/a.png`, IMAGES));
      expect(error.message).toBe(`the file at https://${host} cannot be used: ${NOT_PUBLIC}${REPAIR}`);
      expect(error.detail).toStartWith(`${host} port 443: `);
    }
  });

  test("when the system's own resolver leads to this machine", async () => {
    const port = await startFiles((_request, response) => response.end(PNG));
    const strict = makeMediaFetch({ transport: TRANSPORT, limitBytes: 1_000, timeoutMs: 10_000 });
    for (const host of ["localhost", "LOCALHOST.", `localhost:${port}`]) {
      expect(await problem(strict(`http://${host}/`, IMAGES))).toEndWith(NOT_PUBLIC);
    }
  });
});

test("the connection goes to the address that was checked, although the name leads elsewhere a moment later", async () => {
  const hosts: unknown[] = [];
  const port = await startFiles((request, response) => {
    hosts.push(request.headers.host);
    response.end(PNG);
  });
  let lookups = 0;
  const checked: string[] = [];
  // 127.0.0.1 stands for what is public; whoever asked again would get an address where nobody listens.
  const rebound = makeLocalFetch({
    resolve: () => Promise.resolve([lookups++ === 0 ? "127.0.0.1" : "127.0.0.9"]),
    isAllowed: (address) => {
      checked.push(address ?? "");
      return address === "127.0.0.1";
    },
  });
  const media = await rebound(`http://rebind.test:${port}/`, IMAGES);
  expect([media.mimeType, hosts, lookups, checked]).toEqual([
    "image/png",
    [`rebind.test:${port}`],
    1,
    ["127.0.0.1"],
  ]);
  expect(await problem(rebound(`http://rebind.test:${port}/`, IMAGES))).toEndWith(NOT_PUBLIC);
  expect([hosts.length, lookups, checked]).toEqual([1, 2, ["127.0.0.1", "127.0.0.9"]]);
});

test("another of the checked addresses is tried when one does not answer", async () => {
  const port = await startFiles((_request, response) => response.end(PNG));
  const both = makeLocalFetch({
    resolve: () => Promise.resolve(["127.0.0.9", "127.0.0.1"]),
    isAllowed: () => true,
  });
  expect((await both(`http://files.test:${port}/`, IMAGES)).mimeType).toBe("image/png");
});

describe("a redirect", () => {
  test("is followed three times, with a new check each time, and no cookie", async () => {
    const seen: unknown[] = [];
    const checked: string[] = [];
    const port = await startFiles((request, response) => {
      seen.push([request.headers.host, request.url, request.headers.cookie, request.headers.referer]);
      const next = ["https", "/2", `//b.test:${port}/3`, "4?x"][seen.length] ?? "";
      response.setHeader("set-cookie", "a=b").setHeader("content-type", "text/html");
      if (seen.length > 3) response.setHeader("content-type", "image/png").end(PNG);
      else response.writeHead([0, 301, 307, 308][seen.length] ?? 302, { location: next }).end("moved");
    });
    const following = makeLocalFetch({
      resolve: (host) => {
        checked.push(host);
        return Promise.resolve(["127.0.0.1"]);
      },
    });
    expect((await following(`http://a.test:${port}/1`, IMAGES)).mimeType).toBe("image/png");
    expect(seen).toEqual([
      [`a.test:${port}`, "/1", undefined, undefined],
      [`a.test:${port}`, "/2", undefined, undefined],
      [`b.test:${port}`, "/3", undefined, undefined],
      [`b.test:${port}`, "/4?x", undefined, undefined],
    ]);
    expect(checked).toEqual(["a.test", "a.test", "b.test", "b.test"]);
  });

  test("is not followed a fourth time", async () => {
    let count = 0;
    const port = await startFiles((_request, response) => {
      response.writeHead(302, { location: `/${++count}` }).end();
    });
    expect(await problem(makeLocalFetch()(`http://a.test:${port}/`, IMAGES))).toEndWith(
      "redirects more than 3 times",
    );
    expect(count).toBe(4);
  });

  test("to what is not public, not of the Web, or nowhere is refused", async () => {
    const cases = [
      ["http://169.254.169.254/latest/meta-data/", NOT_PUBLIC],
      ["http://inside.test/", NOT_PUBLIC],
      ["http://[::ffff:127.0.0.2]/", NOT_PUBLIC],
      ["http://0x7f000002/", NOT_PUBLIC],
      ["file:///etc/passwd", "its server redirects to a URL that is not allowed"],
      ["http://user:secret@a.test/", "its server redirects to a URL that is not allowed"],
      ["http://", "its server redirects to a URL that is not allowed"],
      ["", null],
    ] as const;
    for (const [location, reason] of cases) {
      const port = await startFiles((_request, response) => response.writeHead(302, { location }).end());
      const following = makeLocalFetch({
        resolve: (host) => Promise.resolve([host === "inside.test" ? "10.0.0.1" : "127.0.0.1"]),
      });
      const said = await problem(following(`http://a.test:${port}/`, IMAGES));
      // An empty location is the same URL again.
      expect(said).toEndWith(reason ?? "redirects more than 3 times");
      expect(said).not.toContain("169.254");
    }
    const port = await startRaw("HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n");
    expect(await problem(makeLocalFetch()(`http://a.test:${port}/`, IMAGES))).toEndWith(
      "to a URL that is not allowed",
    );
  });
});

describe("over TLS", () => {
  const FOLDER = `${import.meta.dir}/http1/fixtures`;

  async function tlsPort(certificate: string, seen: string[]): Promise<number> {
    const pem = readFileSync(`${FOLDER}/${certificate}.pem`);
    return portOf(
      createTlsServer({ cert: pem, key: pem }, (socket) => {
        socket.on("error", () => socket.destroy());
        socket.once("data", (bytes) => {
          seen.push(`${socket.servername} ${/\r\nhost: (\S+)/i.exec(bytes.toString("latin1"))?.[1]}`);
          socket.end(`HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nGIF89a`);
        });
      }),
    );
  }

  /** In a process of its own: which certificates count, and which proxy, is decided when a process starts. */
  async function outcomesOf(urls: readonly string[], environment: Record<string, string>): Promise<string[]> {
    const child = Bun.spawn([process.execPath, `${import.meta.dir}/fixtures/media-trial.ts`, ...urls], {
      env: { ...process.env, ...environment },
      stderr: "inherit",
    });
    return JSON.parse(await new Response(child.stdout).text());
  }

  test("the certificate must be that of the name, which the server hears while the address is pinned", async () => {
    const seen: string[] = [];
    const [good, other, expired] = [
      await tlsPort("localhost", seen),
      await tlsPort("other-host", seen),
      await tlsPort("expired", seen),
    ];
    const urls = [
      `https://localhost:${good}/`,
      `https://127.0.0.1:${good}/`,
      `https://elsewhere.test:${good}/`,
      `https://localhost:${other}/`,
      `https://localhost:${expired}/`,
    ];
    const outcomes = await outcomesOf(urls, {
      NODE_EXTRA_CA_CERTS: `${FOLDER}/ca.pem`,
      NODE_TLS_REJECT_UNAUTHORIZED: "0",
      NODE_NO_WARNINGS: "1",
    });
    const refused = (url = "") =>
      `the file at ${url.slice(0, -1)} cannot be used: the TLS certificate of its server is not accepted${REPAIR}`;
    expect(outcomes).toEqual(["image/gif", "image/gif", ...urls.slice(2).map(refused)]);
    expect(seen).toEqual([`localhost localhost:${good}`, `false 127.0.0.1:${good}`]);
  });

  test("and without, no proxy of the environment comes between", async () => {
    let proxied = 0;
    const proxy = await startFiles((_request, response) => {
      proxied++;
      response.end(PNG);
    });
    const port = await startFiles((_request, response) => response.end("GIF89a"));
    const address = `http://127.0.0.1:${proxy}`;
    const outcomes = await outcomesOf([`http://files.test:${port}/`], {
      HTTP_PROXY: address,
      http_proxy: address,
      HTTPS_PROXY: address,
      ALL_PROXY: address,
      NO_PROXY: "",
    });
    expect([outcomes, proxied]).toEqual([["image/gif"], 0]);
  });

  test("a redirect from https to http is refused", async () => {
    const pem = readFileSync(`${FOLDER}/localhost.pem`);
    const port = await portOf(
      createTlsServer({ cert: pem, key: pem }, (socket) => {
        socket.on("error", () => socket.destroy());
        socket.once("data", () =>
          socket.end("HTTP/1.1 302 Found\r\nLocation: http://localhost/\r\nContent-Length: 0\r\n\r\n"),
        );
      }),
    );
    const outcomes = await outcomesOf([`https://localhost:${port}/`], {
      NODE_EXTRA_CA_CERTS: `${FOLDER}/ca.pem`,
    });
    expect(outcomes[0]).toContain("its server redirects from https to http");
  });
});

describe("through a proxy", () => {
  test("a file comes by its name where the proxy refuses private addresses, and no name is looked up here", async () => {
    const port = await startFiles((_request, response) => response.end(PNG));
    const proxy = await startSocksProxy();
    try {
      const options = {
        resolve: () => Promise.reject(new Error("was looked up")),
        isAllowed: (address: string | null) => address === null,
        via: viaProxy(`socks5h://127.0.0.1:${proxy.port}`),
      };
      const url = `http://files.test:${port}/a.png`;
      const media = await makeLocalFetch({ ...options, proxyRefusesPrivate: true })(url, IMAGES);
      expect([media.mimeType, proxy.asked]).toEqual(["image/png", [`files.test:${port}`]]);
      expect(await problem(makeLocalFetch(options)(url, IMAGES))).toEndWith(
        "this gateway may not fetch files by the name of their host",
      );
      for (const inside of ["127.0.0.1", "10.0.0.1", "[::1]"]) {
        const fetching = makeLocalFetch({ ...options, proxyRefusesPrivate: true });
        expect(await problem(fetching(`http://${inside}:${port}/`, IMAGES))).toEndWith(NOT_PUBLIC);
      }
      expect(proxy.asked).toHaveLength(1);
    } finally {
      proxy.stop();
    }
  });

  test("that fails, a client hears no word about the proxy", async () => {
    const fetching = makeLocalFetch({
      via: viaProxy("http://me:hunter2@127.0.0.1:1"),
      isAllowed: () => true,
      proxyRefusesPrivate: true,
    });
    const error = await refusal(fetching("http://files.test/", IMAGES));
    expect(error.message).toBe(
      `the file at http://files.test cannot be used: the way to its server is broken${REPAIR}`,
    );
    expect(JSON.stringify([error.message, error.detail])).not.toContain("hunter2");
  });
});
