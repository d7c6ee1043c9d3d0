/** The way into the admin, which is loaded by the first call: most of the time nobody has it open. */
import type { Admin } from "../admin/admin.ts";
import type { AdminContext, AlertTest } from "../admin/context.ts";
import type { Alerts } from "../alerts/alerts.ts";
import type { Delivery } from "../alerts/delivery.ts";
import type { SettingsFile, SettingsFileOptions } from "../config/edit/settings-file.ts";
import type { Problem } from "../config/problem.ts";
import type { ClientRequest } from "../http/client-request.ts";
import { hashPassword, verifyPassword } from "../http/password.ts";
import type { ModelLists } from "../models/model-lists.ts";
import type { ProcessFacts } from "../pages/metrics.ts";
import { linesOfRow, pricedModelsOf, priceOfTarget } from "./admin-prices.ts";
import { makeExplain, makeSend } from "./admin-requests.ts";
import type { ChangingGateway } from "./make-gateway.ts";
import { freeSimulatorPort } from "./simulator-host.ts";

export interface AdminDoorOptions
  extends Pick<AdminContext, "version" | "ids" | "open" | "mainUrl" | "reader" | "rejected"> {
  readonly gateway: ChangingGateway;
  readonly settings: () => SettingsFileOptions;
  readonly models: Pick<ModelLists, "names">;
  readonly alerts: Pick<Alerts, "list" | "test">;
  readonly processFacts: () => Pick<ProcessFacts, "residentBytes" | "startedAtMs">;
}

export class AdminDoor {
  readonly #options: AdminDoorOptions;
  #loading: Promise<Admin> | null = null;
  #admin: Admin | null = null;
  #pages: Promise<(client: ClientRequest, path: string) => Promise<Response>> | null = null;

  constructor(options: AdminDoorOptions) {
    this.#options = options;
  }

  /** `path`: what follows `/admin/api/`. */
  async answer(client: ClientRequest, path: string): Promise<Response> {
    this.#loading ??= this.#load();
    return await (await this.#loading).answer(client, path);
  }

  /** `path`: what follows `/admin/`. */
  async answerPage(client: ClientRequest, path: string): Promise<Response> {
    this.#pages ??= Promise.all([import("../admin/ui-page.ts"), import("../http/ui-pack.ts")]).then(
      ([{ answerUiPage }, { UiPackSource }]) => {
        const source = new UiPackSource();
        return (one, place) => answerUiPage(source, one, place);
      },
    );
    return await (await this.#pages)(client, path);
  }

  /** As `Admin.endStreams`: a drain need not wait for them. */
  endStreams(): void {
    this.#admin?.endStreams();
  }

  close(): void {
    this.#admin?.close();
  }

  async #load(): Promise<Admin> {
    const [{ Admin }, { SettingsFile }] = await Promise.all([
      import("../admin/admin.ts"),
      import("../config/edit/settings-file.ts"),
    ]);
    this.#admin = new Admin(makeContext(this.#options, new SettingsFile(this.#options.settings())));
    return this.#admin;
  }
}

/** Loaded when somebody asks. */
async function examineRunning(
  gateway: ChangingGateway,
  upstream: string | null,
  rejected: readonly Problem[],
): ReturnType<AdminContext["examine"]> {
  const { examine } = await import("../doctor/doctor.ts");
  const { snapshot, transport, clock } = gateway;
  const findings = await examine({
    snapshot,
    transport,
    clock,
    warnings: rejected,
    isServing: true,
    upstream,
  });
  return [...findings];
}

/** Read anew at each call, because a reload swaps what the gateway holds. */
function makeContext(options: AdminDoorOptions, settings: SettingsFile): AdminContext {
  const { gateway, models, processFacts, alerts, settings: _options, ...given } = options;
  const { clock, log, pool, limiter, ledger, captures } = gateway;
  const snapshot = () => gateway.snapshot;
  return {
    ...given,
    clock,
    log,
    pool,
    limiter,
    captures,
    snapshot,
    verifyPassword,
    hashPassword,
    settings,
    freeSimulatorPort,
    unpricedSince: (timeMs) => gateway.unpriced.after(timeMs),
    health: () => {
      const { residentBytes, startedAtMs } = processFacts();
      return {
        inFlight: gateway.metrics.inFlight,
        waiting: gateway.waiting.count,
        isDraining: gateway.isDraining,
        ledgerFailure: ledger.failure,
        residentBytes,
        startedAtMs,
      };
    },
    alerts: {
      list: () => alerts.list(),
      test: async (name) => testOf(await alerts.test(name)),
    },
    onRow: (listener) => ledger.onRow(listener),
    proxies: () => gateway.transport.dial.proxies(),
    away: (upstream) => gateway.reach.find(upstream),
    unreachable: () =>
      gateway.breaker.open().flatMap(({ upstream, reach }) => (reach === "upstream" ? [upstream] : [])),
    examine: (upstream) => examineRunning(gateway, upstream, options.rejected()),
    costLines: (row) => linesOfRow(snapshot(), row),
    priceOf: (upstream, model) => priceOfTarget(snapshot(), upstream, model, clock.nowMs()),
    listedModels: () => models.names(),
    pricedModels: (upstream) => pricedModelsOf(snapshot(), upstream),
    explain: makeExplain(gateway),
    send: makeSend(gateway),
  };
}

function testOf(delivery: Delivery | null): AlertTest | null {
  if (delivery === null || !delivery.isTaken) return delivery;
  const { note, ...taken } = delivery;
  return note === undefined ? taken : { ...taken, problem: note };
}
