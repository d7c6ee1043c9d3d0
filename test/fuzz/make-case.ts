/** The cases of a run: each is made of a seed and of chance alone. */
import { Buffer } from "node:buffer";
import { type Chance, chanceFrom } from "../faults/seeded.ts";
import type { CaseKind, FuzzCase } from "./cases.ts";
import { grow } from "./grown.ts";
import { mutateBytes, mutateFrame, mutateValue } from "./mutation.ts";
import type { Seed } from "./seeds.ts";

/** Cases that are lengthened, each of which costs as much as hundreds of the others. */
const GROWN_SHARE = 0.01;

/** Seeds by kind, also as parsed values where they are JSON. */
export class CaseMaker {
  readonly #seeds: readonly Seed[];
  readonly #bytes: readonly Uint8Array[];
  readonly #values: ReadonlyMap<CaseKind, readonly unknown[]>;

  constructor(seeds: readonly Seed[]) {
    this.#seeds = seeds;
    this.#bytes = seeds.map(({ bytes }) => bytes);
    const values = new Map<CaseKind, unknown[]>();
    for (const { kind, bytes } of seeds) {
      const value = parse(bytes);
      if (value !== null) values.set(kind, [...(values.get(kind) ?? []), value]);
    }
    this.#values = values;
  }

  /** The case with this number of the run with this seed. */
  make(runSeed: number, number: number): FuzzCase {
    const chance = chanceFrom(runSeed + Math.imul(number, 0x9e3779b1));
    const seed = chance.pick(this.#seeds);
    const grown = chance.next() < GROWN_SHARE ? grow(seed, chance) : null;
    const bytes = grown?.bytes ?? this.#spoil(seed, chance);
    const cuts = Array.from({ length: chance.whole(0, 3) }, () => chance.whole(0, bytes.length));
    return {
      kind: seed.kind,
      dialect: seed.dialect,
      framing: seed.framing,
      isCut: chance.next() < 0.2,
      cuts: cuts.sort((a, b) => a - b),
      bytes,
      quarter: grown?.quarter ?? null,
    };
  }

  #spoil({ kind, bytes }: Seed, chance: Chance): Uint8Array {
    if (kind === "stream") {
      const spoilt = chance.next() < 0.5 ? mutateFrame(bytes, chance) : bytes;
      return spoilt !== bytes && chance.next() < 0.6 ? spoilt : mutateBytes(spoilt, chance, this.#bytes);
    }
    const value = parse(bytes);
    if (value === null || chance.next() < 0.3) return mutateBytes(bytes, chance, this.#bytes);
    return Buffer.from(JSON.stringify(mutateValue(value, chance, this.#values.get(kind) ?? [])), "utf8");
  }
}

function parse(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString("utf8"));
  } catch {
    return null;
  }
}
