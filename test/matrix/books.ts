/** The expected row of each request that was made. */
import { expect } from "bun:test";
import type { LedgerLine } from "../kit/gateway.ts";
import type { Told, Usage } from "./conversation.ts";
import type { Cell, Form } from "./matrix.ts";
import { type Answer, SPOKEN } from "./stage.ts";

interface Entry {
  readonly id: string;
  readonly row: Record<string, unknown>;
  readonly dropped: readonly string[];
  readonly isWhole: boolean;
  readonly isCutByUs: boolean;
  readonly usage: Usage | null;
}

type Row = LedgerLine &
  Record<string, unknown> & { readonly drops: readonly { readonly field: string }[] | null };

export class Books {
  readonly #entries: Entry[] = [];

  /** `isCutByUs`: the gateway ended the answer, so that the provider gave no stop reason. */
  note(answer: Answer, told: Told, { dialect, upstream }: Cell, form: Form, isCutByUs = false): void {
    const id = answer.headers.get("x-request-id") ?? answer.headers.get("request-id");
    expect(id).not.toBeNull();
    const { usage } = told;
    const isWhole = told.trouble === null;
    const tokens =
      usage === null || !isWhole
        ? {}
        : { input_tokens: usage.input, output_tokens: usage.output, usage_state: "final" };
    // The row names both what was left out in translation and what was changed for the upstream.
    const names = ["x-clewline-dropped", "x-clewline-changed"].flatMap(
      (header) => answer.headers.get(header)?.split(", ") ?? [],
    );
    this.#entries.push({
      id: id as string,
      row: {
        dialect,
        status: answer.status,
        ...(isWhole ? { outcome: "ok", error_kind: null } : {}),
        ...(answer.status === 200
          ? { upstream, upstream_dialect: SPOKEN[upstream], is_stream: form === "stream" }
          : {}),
        ...tokens,
      },
      dropped: names.sort(),
      isWhole,
      isCutByUs,
      usage: isWhole ? usage : null,
    });
  }

  check(rows: readonly LedgerLine[]): void {
    const byId = new Map(rows.map((row) => [row.request_id, row as Row]));
    expect(this.#entries.length).toBeGreaterThan(0);
    for (const { id, row, dropped, isWhole, isCutByUs, usage } of this.#entries) {
      const found = byId.get(id);
      expect(found, `the row of ${id}`).toBeDefined();
      expect(found as Row).toMatchObject(row);
      expect((found?.drops ?? []).map(({ field }) => field).sort()).toEqual([...dropped]);
      if (usage !== null) {
        expect(found?.cache_read_tokens ?? 0).toBe(usage.cached);
        expect(found?.reasoning_tokens ?? 0).toBe(usage.reasoning);
      }
      if (isWhole && isCutByUs) expect(found?.stop_reason).toBeNull();
      else if (isWhole) expect(found?.stop_reason).toBeString();
      else expect(found?.outcome).not.toBe("ok");
    }
  }
}
