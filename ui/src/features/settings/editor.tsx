import { Plus, Trash2, Undo2 } from "lucide-react";
import { useDeferredValue, useMemo, useState } from "react";
import { Button } from "../../components/button.tsx";
import { SelectField } from "../../components/field.tsx";
import { Empty, Notice } from "../../components/notice.tsx";
import { useGatewayText } from "../../lib/gateway-text.ts";
import type { Translate } from "../../lib/gateway-translator.ts";
import { usePlace } from "../../lib/place.ts";
import { useText } from "../../lib/text.ts";
import { AddEntryButton } from "./add-entry-dialog.tsx";
import { AlertChannels } from "./alert-channels.tsx";
import {
  type Edit,
  type Edits,
  isBelow,
  lastName,
  plainHelp,
  rebased,
  type Section,
  type SettingKey,
  type Settings,
  type SettingValue,
  sectionsOf,
  withEdit,
  withEntry,
  withoutEntry,
} from "./edits.ts";
import { ReviewDialog } from "./review-dialog.tsx";
import { SettingRow } from "./setting-row.tsx";

/** Every value of the configuration, by tables; changes are collected and looked at before they are saved. */
export function Editor({ settings: newest }: { settings: Settings }) {
  const text = useText();
  const said = useGatewayText();
  const [read, write] = usePlace();
  const [edits, setEdits] = useState<Edits>(new Map());
  // What is being changed stays as it was read, so that saving finds what others have changed meanwhile.
  const [pinned, setPinned] = useState<Settings | null>(null);
  const settings = pinned ?? newest;
  const [isReviewing, setReviewing] = useState(false);
  const [problems, setProblems] = useState<ReadonlyMap<string, string>>(new Map());
  const { sections, keys, values } = useTables(settings);
  const chosen = sections.find(({ owner }) => owner === read("at")) ?? sections[0];
  const typed = useDeferredValue(read("q").toLowerCase());
  const found = useFound(sections, { keys, typed, said });
  const shown = typed === "" ? (chosen === undefined ? [] : [chosen]) : found.slice(0, MAX_FOUND);
  const change = (next: Edits): void => {
    setEdits(next);
    setPinned(next.size === 0 ? null : settings);
    setProblems(new Map());
  };
  return (
    <>
      {settings.lockedReason !== null && <Notice tone="warn">{said(settings.lockedReason)}</Notice>}
      {settings.problems.map(({ path, message, repair }) => (
        <Notice key={`${path} ${message}`} tone="bad">
          {path !== "" && <span className="font-mono text-[13px]">{path}: </span>}
          {said(message)}; {said(repair)}
        </Notice>
      ))}
      <div className="grid items-start gap-4 lg:grid-cols-[230px_minmax(0,1fr)]">
        <Sections
          sections={sections}
          chosen={chosen}
          onChoose={(owner) => write({ at: owner })}
          isEdited={(owner) => [...edits.keys()].some((path) => isBelow(path, owner))}
        />
        <div className="flex min-w-0 flex-col gap-3">
          <div className="flex flex-wrap items-center gap-2">
            <input
              type="search"
              data-search
              aria-label={text("Find a setting")}
              placeholder={text("Find a setting")}
              value={read("q")}
              onChange={({ target }) => write({ q: target.value }, { replace: true })}
              className="field max-w-80 flex-1 basis-40"
            />
            <AddEntryButton
              settings={settings}
              list={chosen === undefined ? "" : listOf(chosen.owner)}
              onAdd={(list, entry) => change(withEntry(edits, list, entry))}
            />
          </div>
          {chosen !== undefined && typed === "" && isBelowAlerts(chosen.owner) && <AlertChannels />}
          <NewEntries edits={edits} onDiscard={(path) => change(without(edits, path))} />
          {typed !== "" && found.length === 0 && <Empty title={text("No setting matches")} />}
          {shown.map((section) => (
            <SectionPanel
              key={section.owner}
              section={section}
              settings={settings}
              keys={keys}
              values={values}
              typed={typed}
              edits={edits}
              problems={problems}
              isLocked={settings.lockedReason !== null}
              onRemove={() => change(withoutEntry(edits, section.owner))}
              onEdit={(path, next) => change(withEdit(edits, path, next, values.get(path)))}
            />
          ))}
          {found.length > MAX_FOUND && <MoreFound count={found.length - MAX_FOUND} />}
        </div>
      </div>
      {edits.size > 0 && (
        <UnsavedBar
          count={edits.size}
          onDiscard={() => change(new Map())}
          onReview={() => setReviewing(true)}
        />
      )}
      {isReviewing && (
        <ReviewDialog
          settings={settings}
          edits={edits}
          onClose={() => setReviewing(false)}
          onProblems={setProblems}
          onNewer={(newer) => {
            const next = rebased(edits, settings, newer);
            setEdits(next);
            setPinned(next.size === 0 ? null : newer);
          }}
          onSaved={() => {
            setReviewing(false);
            change(new Map());
            setPinned(null);
          }}
        />
      )}
    </>
  );
}

const isBelowAlerts = (owner: string): boolean => owner === "alerts" || owner.startsWith("alerts.");

function UnsavedBar({
  count,
  onDiscard,
  onReview,
}: {
  count: number;
  onDiscard: () => void;
  onReview: () => void;
}) {
  const text = useText();
  return (
    <div className="panel sticky bottom-16 z-10 flex flex-wrap items-center gap-2 p-3 shadow-xl md:bottom-3">
      <p className="flex-1 font-medium" aria-live="polite">
        {text("{count, plural, one {# change is not saved} other {# changes are not saved}}", { count })}
      </p>
      <Button onClick={onDiscard}>{text("Discard")}</Button>
      <Button look="primary" onClick={onReview}>
        {text("Review…")}
      </Button>
    </div>
  );
}

/** More parts that a search finds are only counted. */
const MAX_FOUND = 40;

/** Looked up once: a page of a thousand entries asks for each of them. */
function useTables(settings: Settings) {
  return useMemo(
    () => ({
      sections: sectionsOf(settings),
      keys: new Map(settings.keys.map((key) => [key.key, key])),
      values: new Map(settings.values.map((value) => [value.path, value])),
    }),
    [settings],
  );
}

interface Search {
  readonly keys: ReadonlyMap<string, SettingKey>;
  readonly typed: string;
  /** Help in the language of the page. */
  readonly said: Translate;
}

/** The parts with a setting that a search finds. */
function useFound(sections: readonly Section[], { keys, typed, said }: Search): readonly Section[] {
  return useMemo(() => {
    if (typed === "") return [];
    return sections.filter((section) => rowsOf({ ...section, keys, typed, said }).length > 0);
  }, [sections, keys, typed, said]);
}

function MoreFound({ count }: { count: number }) {
  const text = useText();
  return (
    <p className="text-muted">{text("{count} more parts match. A longer search finds fewer.", { count })}</p>
  );
}

/** The settings of a part that a search finds; "" finds all. */
const rowsOf = ({ keys, owner, table, typed, said }: Pick<Section, "owner" | "table"> & Search) =>
  [...keys.values()].filter(
    ({ key, table: own, kind, help }) =>
      own === table &&
      kind !== "table" &&
      (typed === "" || `${owner}.${key} ${said(help)}`.toLowerCase().includes(typed)),
  );

/** `upstreams[0].credentials[1]` → `upstreams[0].credentials`. */
const listOf = (owner: string): string => owner.replace(/\[\d+\]$/, "");

const without = (edits: Edits, path: string): Edits => new Map([...edits].filter(([one]) => one !== path));

/** Entries that are not saved yet. */
function NewEntries({ edits, onDiscard }: { edits: Edits; onDiscard: (path: string) => void }) {
  const text = useText();
  const added = [...edits].filter(
    (one): one is [string, Extract<Edit, { kind: "add" }>] => one[1].kind === "add",
  );
  if (added.length === 0) return null;
  return (
    <ul className="panel divide-y divide-line px-4">
      {added.map(([path, { entry }]) => (
        <li key={path} className="flex items-center gap-2 py-2">
          <Plus size={16} aria-hidden className="shrink-0 text-good" />
          <span className="min-w-0 flex-1 font-mono text-[13px] break-all">
            {path.slice(0, path.lastIndexOf("+"))} · {String(entry.name ?? entry.match ?? entry.model ?? "")}
          </span>
          <Button onClick={() => onDiscard(path)}>{text("Discard")}</Button>
        </li>
      ))}
    </ul>
  );
}

function Sections({
  sections,
  chosen,
  onChoose,
  isEdited,
}: {
  sections: readonly Section[];
  chosen: Section | undefined;
  onChoose: (owner: string) => void;
  isEdited: (owner: string) => boolean;
}) {
  const text = useText();
  const titleOf = ({ table, name }: Section): string => {
    const plain = lastName(table).replace("[]", "");
    return name === null ? plain : `${plain} · ${name}`;
  };
  return (
    <>
      <div className="lg:hidden">
        <SelectField
          label={text("Part")}
          value={chosen?.owner ?? ""}
          onChange={({ target }) => onChoose(target.value)}
        >
          {sections.map((section) => (
            <option key={section.owner} value={section.owner}>
              {titleOf(section)}
            </option>
          ))}
        </SelectField>
      </div>
      <nav aria-label={text("Part")} className="hidden max-h-[75vh] flex-col gap-0.5 overflow-y-auto lg:flex">
        {sections.map((section) => {
          const isHere = section.owner === chosen?.owner;
          return (
            <button
              key={section.owner}
              type="button"
              aria-current={isHere ? "true" : undefined}
              onClick={() => onChoose(section.owner)}
              className={`truncate rounded-[7px] px-2 py-1.5 text-left ${section.table.split("[]").length > 2 ? "pl-6" : ""} ${isHere ? "bg-accent-soft font-medium text-accent" : "text-muted hover:bg-hover hover:text-ink"}`}
            >
              {titleOf(section)}
              {isEdited(section.owner) && ` (${text("changed")})`}
            </button>
          );
        })}
      </nav>
    </>
  );
}

function SectionPanel({
  section: { owner, table, name },
  settings,
  keys,
  values,
  typed,
  edits,
  problems,
  isLocked,
  onEdit,
  onRemove,
}: {
  section: Section;
  settings: Settings;
  keys: ReadonlyMap<string, SettingKey>;
  values: ReadonlyMap<string, SettingValue>;
  typed: string;
  edits: Edits;
  problems: ReadonlyMap<string, string>;
  isLocked: boolean;
  onEdit: (path: string, typed: string) => void;
  /** Takes the entry away, or puts it back. */
  onRemove: () => void;
}) {
  const text = useText();
  const said = useGatewayText();
  const isGone = edits.get(owner)?.kind === "remove";
  const rows = rowsOf({ keys, owner, table, typed, said });
  if (rows.length === 0) return <Empty title={text("This part has no value of its own.")} />;
  return (
    <section className="panel">
      <div className="px-4 pt-3">
        <div className="flex items-start gap-2">
          <h2 className="min-w-0 flex-1 font-mono text-[14px] break-all">
            {table.replaceAll("[]", "")}
            {name !== null && ` · ${name}`}
          </h2>
          {name !== null && (
            <Button
              look={isGone ? "plain" : "danger"}
              icon={isGone ? <Undo2 size={15} aria-hidden /> : <Trash2 size={15} aria-hidden />}
              disabled={isLocked}
              onClick={onRemove}
            >
              {isGone ? text("Put back") : text("Remove")}
            </Button>
          )}
        </div>
        {isGone && <p className="text-[13px] font-medium text-bad">{text("goes away")}</p>}
        {typed === "" && (
          <p className="text-[13px] text-muted">
            {plainHelp(said(settings.tables.find((one) => one.table === table)?.help ?? ""))}
          </p>
        )}
      </div>
      <div className="divide-y divide-line px-4">
        {rows.map((key) => {
          const path = `${owner}${key.key.slice(table.length)}`;
          return (
            <SettingRow
              key={path}
              setting={key}
              label={key.key.slice(table === "" ? 0 : table.length + 1)}
              value={values.get(path)}
              edit={edits.get(path)}
              problem={problems.get(path) ?? null}
              isLocked={isLocked || isGone}
              onType={(next) => onEdit(path, next)}
            />
          );
        })}
      </div>
    </section>
  );
}
