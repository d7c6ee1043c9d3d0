/** The way into the admin, which is loaded by the first call: most of the time nobody has it open. */
import type { Admin } from "../admin/admin.ts";
import type { AdminContext } from "../admin/context.ts";
import type { SettingsFile, SettingsFileOptions } from "../config/edit/settings-file.ts";
import type { Ids } from "../core/ids.ts";
import type { ClientRequest } from "../http/client-request.ts";
import { hashPassword, verifyPassword } from "../http/password.ts";
import type { Sql } from "../store/sql.ts";
import type { ChangingGateway } from "./make-gateway.ts";

export interface AdminDoorOptions {
  readonly gateway: ChangingGateway;
  readonly version: string;
  readonly ids: Ids;
  readonly open: () => Sql;
  readonly mainUrl: AdminContext["mainUrl"];
  readonly settings: () => SettingsFileOptions;
  readonly rejected: AdminContext["rejected"];
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

function makeContext(options: AdminDoorOptions, settings: SettingsFile): AdminContext {
  const { gateway, version, ids, open, mainUrl, rejected } = options;
  const { clock, log } = gateway;
  return {
    version,
    clock,
    ids,
    log,
    open,
    mainUrl,
    verifyPassword,
    hashPassword,
    snapshot: () => gateway.snapshot,
    settings,
    rejected,
  };
}
