/**
 * Builds the admin's pages (`ui/`) into one file, dist/ui.pack, which `script/build` embeds into the binary and which
 * a gateway from source reads. Does nothing when the file was made from the same sources.
 */
import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import type { BunPlugin } from "bun";
import type { PackedFile, PackIndex } from "../src/http/ui-pack.ts";

const ROOT = join(import.meta.dir, "..");
const OUT = join(ROOT, "dist/ui.pack");
const STAMP = join(ROOT, "dist/ui.stamp");
const TYPES: Readonly<Record<string, string>> = {
  html: "text/html; charset=utf-8",
  js: "text/javascript; charset=utf-8",
  css: "text/css; charset=utf-8",
  svg: "image/svg+xml",
};

/** A digest of all that the pages are made of. */
function stampOf(): string {
  const hash = createHash("sha256");
  const files = ["ui", "src/admin/contract"]
    .filter((folder) => existsSync(join(ROOT, folder)))
    .flatMap((folder) =>
      readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" }).map(
        (name) => `${folder}/${name}`,
      ),
    )
    .filter((name) => statSync(join(ROOT, name)).isFile());
  for (const name of [...files.sort(), "package-lock.json", "script/build-ui.ts"])
    hash.update(`${name}\0`).update(readFileSync(join(ROOT, name)));
  return hash.digest("hex");
}

/** Tailwind reads the sources for the names of classes, and writes the style sheet that they need. */
const tailwind: BunPlugin = {
  name: "tailwind",
  setup(build) {
    build.onLoad({ filter: /app\.css$/ }, async ({ path }) => {
      const cli = join(ROOT, "node_modules/@tailwindcss/cli/dist/index.mjs");
      const child = Bun.spawn([process.execPath, cli, "--input", path, "--minify"], {
        cwd: join(ROOT, "ui"),
        stdout: "pipe",
        stderr: "pipe",
      });
      const [contents, errors] = await Promise.all([
        new Response(child.stdout).text(),
        new Response(child.stderr).text(),
      ]);
      if ((await child.exited) !== 0) throw new Error(`tailwindcss failed: ${errors}`);
      return { contents, loader: "css" };
    });
  },
};

async function bundle(): Promise<ReadonlyMap<string, Uint8Array>> {
  const result = await Bun.build({
    entrypoints: [join(ROOT, "ui/index.html")],
    minify: true,
    splitting: true,
    target: "browser",
    publicPath: "/admin/",
    naming: {
      entry: "[name].[ext]",
      chunk: "assets/[name]-[hash].[ext]",
      asset: "assets/[name]-[hash].[ext]",
    },
    define: { "process.env.NODE_ENV": '"production"' },
    plugins: [tailwind],
  });
  const files = new Map<string, Uint8Array>();
  for (const output of result.outputs)
    files.set(output.path.replace(/^\.\//, ""), new Uint8Array(await output.arrayBuffer()));
  return files;
}

export function packUi(files: ReadonlyMap<string, Uint8Array>): Uint8Array {
  const index: Record<string, PackedFile> = {};
  const bodies: Uint8Array[] = [];
  let at = 0;
  const add = (bytes: Uint8Array): readonly [from: number, to: number] => {
    bodies.push(bytes);
    at += bytes.length;
    return [at - bytes.length, at];
  };
  for (const [name, bytes] of files) {
    const quality = { params: { [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY } };
    index[name] = {
      type: TYPES[name.split(".").at(-1) as string] ?? "application/octet-stream",
      etag: `"${createHash("sha256").update(bytes).digest("base64url").slice(0, 22)}"`,
      sizeBytes: bytes.length,
      isHashed: name.startsWith("assets/"),
      br: add(brotliCompressSync(bytes, quality)),
      gzip: add(gzipSync(bytes, { level: 9 })),
    };
  }
  const head = Buffer.from(JSON.stringify(index satisfies PackIndex));
  return Buffer.concat([Buffer.from(String(head.length).padStart(8, "0")), head, ...bodies]);
}

/** Returns whether there was something to build. */
export async function buildUi(): Promise<boolean> {
  const stamp = stampOf();
  if (existsSync(OUT) && existsSync(STAMP) && readFileSync(STAMP, "utf8") === stamp) return false;
  const bytes = packUi(await bundle());
  mkdirSync(join(ROOT, "dist"), { recursive: true });
  // A gateway that runs must never read half of a file.
  const draft = `${OUT}.${process.pid}`;
  writeFileSync(draft, bytes);
  renameSync(draft, OUT);
  writeFileSync(STAMP, stamp);
  return true;
}

if (import.meta.main) await buildUi();
