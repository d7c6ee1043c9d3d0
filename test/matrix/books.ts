/** What the ledger has to say of each request that was made, to be held against its rows. */
import { expect } from "bun:test";
import type { LedgerLine } from "../kit/gateway.ts";
import type { Told } from "./conversation.ts";
import type { Cell, Form } from "./matrix.ts";
import { type Answer, SPOKEN } from "./stage.ts";

interface Entry {
  readonly id: string;
  readonly row: Record<string, unknown>;
  readonly dropped: readonly string[];
  readonly isWhole: boolean;
}

type Row = LedgerLine &
  Record<string, unknown> & { readonly drops: readonly { readonly field: string }[] | null };

export class Books {
  readonly #entries: Entry[] = [];

  note(answer: Answer, told: Told, { dialect, upstream }: Cell, form: Form): void {
    const id = answer.headers.get("x-request-id") ?? answer.headers.get("request-id");
    expect(id).not.toBeNull();
    const { usage } = told;
    const isWhole = told.trouble === null;
    const tokens =
      usage === null || !isWhole
        ? {}
        : { input_tokens: usage.input, output_tokens: usage.output, usage_state: "final" };
    const names = answer.headers.get("x-clewline-dropped");
    this.#entries.push({
      id: id as string,
      row: {
        dialect,
        upstream,
        upstream_dialect: SPOKEN[upstream],
        status: answer.status,
        is_stream: form === "stream",
        ...(isWhole ? { outcome: "ok", error_kind: null } : {}),
        ...tokens,
      },
      dropped: names === null ? [] : names.split(", ").sort(),
      isWhole,
    });
  }

  check(rows: readonly LedgerLine[]): void {
    const byId = new Map(rows.map((row) => [row.request_id, row as Row]));
    expect(this.#entries.length).toBeGreaterThan(0);
    for (const { id, row, dropped, isWhole } of this.#entries) {
      const found = byId.get(id);
      expect(found, `the row of ${id}`).toBeDefined();
      expect(found as Row).toMatchObject(row);
      expect((found?.drops ?? []).map(({ field }) => field).sort()).toEqual([...dropped]);
      if (isWhole) expect(found?.stop_reason).toBeString();
    }
  }
}
