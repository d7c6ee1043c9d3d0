/** What is done to the ledger beside serving: older rows are moved, sums are made, and the oldest rows go. */
import { OlderRowsMover } from "../ledger/older-rows-mover.ts";
import type { RequestIds } from "../ledger/request-ids.ts";
import { DiskWatch } from "../ledger/retention/disk-watch.ts";
import { Retainer } from "../ledger/retention/retainer.ts";
import { Roller } from "../ledger/roll-up/roller.ts";
import { openStore, spaceOfStore } from "../ledger/store-file.ts";
import { makeEntryWriter } from "../ledger/writer.ts";
import { freeBytesOf } from "./make-alerts.ts";
import type { ChangingGateway } from "./make-gateway.ts";

export class LedgerUpkeep {
  readonly #mover: OlderRowsMover;
  readonly #roller: Roller;
  readonly #retainer: Retainer;
  /** Whether the disk is about to be full. */
  readonly disk: DiskWatch;

  constructor(gateway: ChangingGateway, requestIds: RequestIds) {
    const { clock, log } = gateway;
    const { dataDir } = gateway.snapshot.config.server;
    const open = () => openStore(dataDir);
    const settings = () => gateway.snapshot.config.ledger;
    this.#mover = new OlderRowsMover({
      open,
      makeEntryWriter: (sql) => makeEntryWriter(sql, requestIds),
      space: () => spaceOfStore(dataDir),
      clock,
      log,
    });
    this.#roller = new Roller({ open, clock, log });
    this.#retainer = new Retainer({
      open,
      rule: () => ({ ...settings(), neededSinceMs: gateway.limiter.budgetsSinceMs }),
      clock,
      log,
    });
    this.disk = new DiskWatch({
      freeBytes: () => freeBytesOf(dataDir),
      minFreeBytes: () => settings().minFreeBytes,
      clock,
      log,
    });
  }

  start(): void {
    this.#mover.start();
    this.#roller.start();
    this.#retainer.start();
    this.disk.start();
  }

  /** What is not done by now is done after the next start. */
  stop(): void {
    this.#mover.stop();
    this.#roller.stop();
    this.#retainer.stop();
    this.disk.stop();
  }
}
