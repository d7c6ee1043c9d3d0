import { afterEach, describe, expect, test } from "bun:test";
import type { IncomingMessage } from "node:http";
import { gzipSync } from "node:zlib";
import {
  IMAGES,
  makeLocalFetch,
  PNG,
  problem,
  refusal,
  sockets,
  startFiles,
  startRaw,
  stopServers,
  until,
} from "./fixtures/file-servers.ts";

afterEach(stopServers);

test("A63 what a file takes is counted as it comes, and without room it is not read to its end", async () => {
  const file = Buffer.concat([PNG, Buffer.alloc(400_000)]);
  const port = await startFiles((_request, response) => response.end(file));
  const fetching = makeLocalFetch({ limitBytes: 1_000_000 });
  let leftBytes = 1_000_000;
  const room = {
    take(bytes: number): boolean {
      if (bytes > leftBytes) return false;
      leftBytes -= bytes;
      return true;
    },
  };
  const asker = { key: "alice", room };
  const media = await fetching(`http://a.test:${port}/`, IMAGES, undefined, asker);
  expect([media.bytes.length, leftBytes < 1_000_000 - 300_000]).toEqual([file.length, true]);
  leftBytes = 100_000;
  const refused = await fetching(`http://a.test:${port}/`, IMAGES, undefined, asker).catch(
    (cause: unknown) => cause,
  );
  expect(refused).toMatchObject({ kind: "memory_exhausted" });
});

describe("a file", () => {
  test("comes with its bytes and type, and its server hears no more than it must", async () => {
    let seen: IncomingMessage | undefined;
    const port = await startFiles((request, response) => {
      seen = request;
      response.setHeader("content-type", "image/png; charset=binary").end(PNG);
    });
    const media = await makeLocalFetch()(`http://files.test:${port}/a%20b?c=d#e`, IMAGES);
    expect([media.mimeType, Buffer.from(media.bytes)]).toEqual(["image/png", PNG]);
    expect([seen?.method, seen?.url, seen?.headers]).toEqual([
      "GET",
      "/a%20b?c=d",
      {
        host: `files.test:${port}`,
        accept: "image/png, image/jpeg",
        "accept-encoding": "identity",
        "user-agent": "clewline",
        connection: "close",
      },
    ]);
  });

  test("may be as large as the limit, in chunks or with a length, and not a byte larger", async () => {
    for (const headers of ["", "content-length"]) {
      for (const [sizeBytes, outcome] of [
        [100_000, 100_000],
        [100_001, "larger than 100000 bytes"],
        [5_000_000, "larger than 100000 bytes"],
      ] as const) {
        const port = await startFiles((_request, response) => {
          const bytes = Buffer.concat([PNG, Buffer.alloc(sizeBytes - PNG.length, 1)]);
          if (headers !== "") response.setHeader(headers, sizeBytes);
          response.write(bytes.subarray(0, 10));
          response.end(bytes.subarray(10));
        });
        const fetching = makeLocalFetch()(`http://files.test:${port}/`, IMAGES);
        if (outcome === sizeBytes) expect((await fetching).bytes.length).toBe(sizeBytes);
        else
          expect(await problem(fetching)).toBe(
            `the file at http://files.test:${port} cannot be used: it is ${outcome}`,
          );
      }
    }
  });

  test("that never ends is given up at the limit, and its connection closed", async () => {
    let hasClosed = false;
    const port = await startFiles((_request, response) => {
      response.setHeader("content-type", "image/png");
      const timer = setInterval(() => response.write(PNG), 1);
      response.on("close", () => {
        clearInterval(timer);
        hasClosed = true;
      });
    });
    const limited = makeLocalFetch({ limitBytes: 300 });
    expect(await problem(limited(`http://files.test:${port}/`, IMAGES))).toEndWith(
      "it is larger than 300 bytes",
    );
    await until(() => hasClosed);
  });

  test("is had when its server tells no type, and told by its own bytes when the server is mistaken", async () => {
    for (const type of ["", "application/octet-stream", "binary/octet-stream", "image/jpg", "IMAGE/PNG"]) {
      const port = await startFiles((_request, response) => {
        if (type !== "") response.setHeader("content-type", type);
        response.end(PNG);
      });
      expect((await makeLocalFetch()(`http://files.test:${port}/`, IMAGES)).mimeType).toBe("image/png");
    }
  });

  test("gets the name of its type that was asked for", async () => {
    const port = await startFiles((_request, response) => {
      response.setHeader("content-type", "audio/mpeg").end("ID3\x04\0\0");
    });
    expect((await makeLocalFetch()(`http://files.test:${port}/`, ["audio/mp3"])).mimeType).toBe("audio/mp3");
  });

  test("of another type is refused, whether its server says so or its bytes do", async () => {
    const cases = [
      ["text/html", "<html>", "it is of the type text/html"],
      ["image/gif", PNG, "it is of the type image/gif"],
      ["image/png", "<html>", "it is of an unknown type"],
      ["image/png", "GIF89a", "it is of the type image/gif"],
      ["image/png", "", "it is of an unknown type"],
      ['text/"secret"', "", "it is of an unknown type"],
    ] as const;
    for (const [type, bytes, what] of cases) {
      const port = await startFiles((_request, response) => {
        response.setHeader("content-type", type).end(bytes);
      });
      expect(await problem(makeLocalFetch()(`http://files.test:${port}/`, IMAGES))).toBe(
        `the file at http://files.test:${port} cannot be used: ${what}, and only these are accepted here: image/png, image/jpeg`,
      );
    }
  });

  test("that is compressed is refused, so that no small reply becomes a large one", async () => {
    const port = await startFiles((_request, response) => {
      response.setHeader("content-type", "image/png").setHeader("content-encoding", "gzip");
      response.end(gzipSync(Buffer.concat([PNG, Buffer.alloc(50_000_000)])));
    });
    expect(await problem(makeLocalFetch()(`http://files.test:${port}/`, IMAGES))).toEndWith(
      "its server compresses it although that was not asked for",
    );
  });

  test("whose server fails is refused with the reason, and nothing of what the server says", async () => {
    const head = "HTTP/1.1 200 OK\r\nContent-Type: image/png\r\n";
    const png = PNG.toString("latin1");
    const cases = [
      ["HTTP/1.1 404 Not Here\r\nContent-Length: 6\r\n\r\nsecret", "its server answers with status 404"],
      ["HTTP/1.1 206 Partial\r\nContent-Length: 6\r\n\r\nsecret", "its server answers with status 206"],
      ["HTTP/1.1 304 Same\r\n\r\n", "its server answers with status 304"],
      [
        "HTTP/1.1 101 Other\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n",
        "its server answers with status 101",
      ],
      [`${head}Content-Length: 500\r\n\r\n${png}`, "its server broke off before its end"],
      [`${head}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n`, "its server broke off before its end"],
      ["SSH-2.0-OpenSSH\r\n", "its server cannot be reached"],
      ["", "its server cannot be reached"],
      [`HTTP/1.1 200 OK\r\nX: ${"a".repeat(500_000)}\r\n\r\n`, "its server cannot be reached"],
    ] as const;
    for (const [text, reason] of cases) {
      const port = await startRaw(text);
      expect(await problem(makeLocalFetch()(`http://files.test:${port}/?key=secret`, IMAGES))).toBe(
        `the file at http://files.test:${port} cannot be used: ${reason}`,
      );
    }
    const port = await startRaw(`${head}\r\n${png}`);
    expect(Buffer.from((await makeLocalFetch()(`http://files.test:${port}/`, IMAGES)).bytes)).toEqual(PNG);
  });

  test("is named by its field in the request", async () => {
    const error = await refusal(makeLocalFetch()("nonsense", IMAGES, "messages[0].content[1]"));
    expect(error.param).toBe("messages[0].content[1]");
  });
});

describe("the time", () => {
  test("is bounded for a server that says nothing, and one that goes on for ever, whose connections are closed", async () => {
    const head = "HTTP/1.1 200 OK\r\nContent-Type: image/png\r\nContent-Length: 500\r\n\r\n";
    for (const text of ["", "HTTP/1.1 200 OK\r\nX-", head, "HTTP/1.1 103 Early\r\n\r\n"]) {
      const port = await startRaw(text, false);
      expect(await problem(makeLocalFetch({ timeoutMs: 50 })(`http://a.test:${port}/`, IMAGES))).toEndWith(
        "it took longer than 50 ms",
      );
      await until(() => [...sockets].every((socket) => socket.destroyed));
    }
  });

  test("is bounded for a resolver that does not answer, and nothing is connected to when it does", async () => {
    let hits = 0;
    const port = await startFiles((_request, response) => {
      hits++;
      response.end(PNG);
    });
    const answer = Promise.withResolvers<readonly string[]>();
    const slow = makeLocalFetch({ timeoutMs: 50, resolve: () => answer.promise });
    expect(await problem(slow(`http://a.test:${port}/`, IMAGES))).toEndWith("it took longer than 50 ms");
    answer.resolve(["127.0.0.1"]);
    expect((await makeLocalFetch()(`http://a.test:${port}/`, IMAGES)).mimeType).toBe("image/png");
    expect(hits).toBe(1);
  });
});

describe("only so many are fetched at once", () => {
  test("and the others in the order in which they came", async () => {
    const held: (() => void)[] = [];
    const order: string[] = [];
    let most = 0;
    const port = await startFiles((request, response) => {
      order.push(request.url ?? "");
      held.push(() => response.end(request.url === "/1" ? "not a picture" : PNG));
      most = Math.max(most, held.length);
    });
    const narrow = makeLocalFetch({ maxConcurrent: 2 });
    const all = [0, 1, 2, 3, 4, 5].map((nth) => {
      const fetching = narrow(`http://a.test:${port}/${nth}`, IMAGES);
      fetching.catch(() => undefined);
      return fetching;
    });
    for (let nth = 0; nth < 6; nth++) {
      await until(() => held.length === Math.min(2, 6 - nth));
      held.shift()?.();
      await Promise.allSettled([all[nth]]);
    }
    const outcomes = await Promise.allSettled(all);
    expect(outcomes.map(({ status }) => status === "fulfilled")).toEqual([
      true,
      false,
      true,
      true,
      true,
      true,
    ]);
    // The first two start together, and either may be heard first.
    expect([order.slice(0, 2).toSorted(), order.slice(2)]).toEqual([
      ["/0", "/1"],
      ["/2", "/3", "/4", "/5"],
    ]);
    expect(most).toBe(2);
  });

  test("A63 one key leaves a part of them to the others, and its own wait", async () => {
    const begun: string[] = [];
    const held: (() => void)[] = [];
    const port = await startFiles((request, response) => {
      begun.push(request.url ?? "");
      if (request.url?.startsWith("/slow") === true) held.push(() => response.end(PNG));
      else response.end(PNG);
    });
    const narrow = makeLocalFetch({ maxConcurrent: 4 });
    const fetchFor = (key: string, path: string) =>
      narrow(`http://a.test:${port}${path}`, IMAGES, undefined, { key, room: null });
    const slow = Array.from({ length: 9 }, (_, nth) => fetchFor("alice", `/slow${nth}`));
    await until(() => held.length === 3);
    for (let nth = 0; nth < 5; nth++) expect((await fetchFor("bob", "/quick")).mimeType).toBe("image/png");
    expect(begun.filter((path) => path.startsWith("/slow"))).toHaveLength(3);
    for (let nth = 0; nth < 9; nth++) {
      await until(() => held.length > 0);
      held.shift()?.();
    }
    expect((await Promise.all(slow)).length).toBe(9);
  });

  test("and one whose turn does not come in time is refused, and never fetched", async () => {
    const answer = Promise.withResolvers<readonly string[]>();
    const looked: string[] = [];
    const port = await startFiles((_request, response) => response.end(PNG));
    const narrow = makeLocalFetch({
      maxConcurrent: 1,
      timeoutMs: 100,
      resolve: (host) => {
        looked.push(host);
        return host === "slow.test" ? answer.promise : Promise.resolve(["127.0.0.1"]);
      },
    });
    const said = ["slow", "next"].map((name) => problem(narrow(`http://${name}.test:${port}/`, IMAGES)));
    expect(await said[0]).toEndWith("it took longer than 100 ms");
    expect(await said[1]).toEndWith("its turn did not come within 100 ms");
    answer.resolve(["127.0.0.1"]);
    expect((await narrow(`http://last.test:${port}/`, IMAGES)).mimeType).toBe("image/png");
    expect(looked).toEqual(["slow.test", "last.test"]);
  });
});
