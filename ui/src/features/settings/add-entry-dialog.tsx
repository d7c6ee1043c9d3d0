import { Plus } from "lucide-react";
import { type FormEvent, useState } from "react";
import { Button } from "../../components/button.tsx";
import { Dialog } from "../../components/dialog.tsx";
import { SelectField } from "../../components/field.tsx";
import { useGatewayText } from "../../lib/gateway-text.ts";
import { useText } from "../../lib/text.ts";
import { entryOf, listsOf, plainHelp, type SettingKey, type Settings } from "./edits.ts";
import { SettingRow } from "./setting-row.tsx";

/** The configuration takes no upstream without a credential. */
const FIRST_ENTRIES: Readonly<Record<string, string>> = { "upstreams[]": "upstreams[].credentials[]" };

/** What an entry of one kind needs is not required of every kind. */
const HAS_KINDS = "alerts.channels[]";

export function AddEntryButton(props: {
  settings: Settings;
  /** The list that is chosen first. */
  list: string;
  onAdd: (list: string, entry: Readonly<Record<string, unknown>>) => void;
}) {
  const text = useText();
  const [isOpen, setOpen] = useState(false);
  return (
    <>
      <Button
        icon={<Plus size={16} aria-hidden />}
        disabled={props.settings.lockedReason !== null}
        onClick={() => setOpen(true)}
      >
        {text("Add an entry…")}
      </Button>
      {isOpen && <AddEntryDialog {...props} onClose={() => setOpen(false)} />}
    </>
  );
}

/** A new entry of a list, such as an upstream, a credential or a model. It is saved with the other changes. */
function AddEntryDialog({
  settings,
  list: first,
  onAdd,
  onClose,
}: Parameters<typeof AddEntryButton>[0] & { onClose: () => void }) {
  const text = useText();
  const said = useGatewayText();
  const lists = listsOf(settings);
  const [chosen, setChosen] = useState(lists.some(({ list }) => list === first) ? first : "upstreams");
  const [typed, setTyped] = useState<Readonly<Record<string, string>>>({});
  const table = lists.find(({ list }) => list === chosen)?.table ?? "upstreams[]";
  const below = FIRST_ENTRIES[table];
  const own = settings.keys.filter((key) => key.kind !== "table" && key.table === table);
  const required = [
    ...own.filter(({ isRequired }) => isRequired),
    ...settings.keys.filter((key) => key.table === below && key.isRequired),
  ];
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    onAdd(chosen, entryOf(table, settings.keys, typed));
    onClose();
  };
  const rows = (keys: readonly SettingKey[]) => (
    <div className="divide-y divide-line">
      {keys.map((setting) => (
        <SettingRow
          key={setting.key}
          setting={setting}
          label={setting.key.slice(table.length + 1).replace("[]", "")}
          value={undefined}
          edit={
            typed[setting.key] === undefined ? undefined : { kind: "set", typed: typed[setting.key] ?? "" }
          }
          problem={null}
          isLocked={false}
          isNew
          onType={(value) => setTyped((before) => ({ ...before, [setting.key]: value }))}
        />
      ))}
    </div>
  );
  return (
    <Dialog isOpen onClose={onClose} title={text("Add an entry")} width="max-w-2xl">
      <form onSubmit={submit} className="flex flex-col gap-3">
        <SelectField label={text("List")} value={chosen} onChange={({ target }) => setChosen(target.value)}>
          {lists.map(({ list, title }) => (
            <option key={list} value={list}>
              {title}
            </option>
          ))}
        </SelectField>
        <p className="text-[13px] text-muted">
          {plainHelp(said(settings.tables.find((one) => one.table === table)?.help ?? ""))}
        </p>
        {rows(required)}
        <details key={table} open={table === HAS_KINDS}>
          <summary className="w-fit font-medium">{text("More settings")}</summary>
          {rows(own.filter(({ isRequired }) => !isRequired))}
        </details>
        <div className="flex justify-end gap-2">
          <Button onClick={onClose}>{text("Cancel")}</Button>
          <Button look="primary" type="submit" disabled={Object.values(typed).every((value) => value === "")}>
            {text("Add")}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
