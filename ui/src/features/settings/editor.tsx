import { useMemo, useState } from "react";
import { Button } from "../../components/button.tsx";
import { SelectField } from "../../components/field.tsx";
import { Empty, Notice } from "../../components/notice.tsx";
import { usePlace } from "../../lib/place.ts";
import { useText } from "../../lib/text.ts";
import {
  type Edits,
  lastName,
  type Section,
  type SettingKey,
  type Settings,
  sectionsOf,
  withEdit,
} from "./edits.ts";
import { ReviewDialog } from "./review-dialog.tsx";
import { SettingRow } from "./setting-row.tsx";

/** Every value of the configuration, by tables; changes are collected and looked at before they are saved. */
export function Editor({ settings }: { settings: Settings }) {
  const text = useText();
  const [read, write] = usePlace();
  const [edits, setEdits] = useState<Edits>(new Map());
  const [isReviewing, setReviewing] = useState(false);
  const [problems, setProblems] = useState<ReadonlyMap<string, string>>(new Map());
  const sections = useMemo(() => sectionsOf(settings), [settings]);
  const keys = useMemo(() => new Map(settings.keys.map((key) => [key.key, key])), [settings]);
  const chosen = sections.find(({ owner }) => owner === read("at")) ?? sections[0];
  const typed = read("q").toLowerCase();
  return (
    <>
      {settings.lockedReason !== null && <Notice tone="warn">{settings.lockedReason}</Notice>}
      {settings.problems.map(({ path, message, repair }) => (
        <Notice key={`${path} ${message}`} tone="bad">
          {path !== "" && <span className="font-mono text-[13px]">{path}: </span>}
          {message}; {repair}
        </Notice>
      ))}
      <div className="grid items-start gap-4 lg:grid-cols-[230px_minmax(0,1fr)]">
        <Sections
          sections={sections}
          chosen={chosen}
          onChoose={(owner) => write({ at: owner })}
          isEdited={(owner) => [...edits.keys()].some((path) => path.startsWith(`${owner}.`))}
        />
        <div className="flex min-w-0 flex-col gap-3">
          <input
            type="search"
            data-search
            aria-label={text("Find a setting")}
            placeholder={text("Find a setting")}
            value={read("q")}
            onChange={({ target }) => write({ q: target.value }, { replace: true })}
            className="field max-w-80"
          />
          {(typed === "" ? (chosen === undefined ? [] : [chosen]) : sections).map((section) => (
            <SectionPanel
              key={section.owner}
              section={section}
              settings={settings}
              keys={keys}
              typed={typed}
              edits={edits}
              problems={problems}
              onEdit={(path, next) => {
                const before = settings.values.find((value) => value.path === path);
                setEdits((all) => withEdit(all, path, next, before));
                setProblems(new Map());
              }}
            />
          ))}
        </div>
      </div>
      {edits.size > 0 && (
        <div className="panel sticky bottom-16 z-10 flex flex-wrap items-center gap-2 p-3 shadow-xl md:bottom-3">
          <p className="flex-1 font-medium" aria-live="polite">
            {text("{count, plural, one {# change is not saved} other {# changes are not saved}}", {
              count: edits.size,
            })}
          </p>
          <Button onClick={() => setEdits(new Map())}>{text("Discard")}</Button>
          <Button look="primary" onClick={() => setReviewing(true)}>
            {text("Review…")}
          </Button>
        </div>
      )}
      {isReviewing && (
        <ReviewDialog
          settings={settings}
          edits={edits}
          onClose={() => setReviewing(false)}
          onProblems={setProblems}
          onSaved={() => {
            setReviewing(false);
            setEdits(new Map());
          }}
        />
      )}
    </>
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
  typed,
  edits,
  problems,
  onEdit,
}: {
  section: Section;
  settings: Settings;
  keys: ReadonlyMap<string, SettingKey>;
  typed: string;
  edits: Edits;
  problems: ReadonlyMap<string, string>;
  onEdit: (path: string, typed: string) => void;
}) {
  const text = useText();
  const rows = [...keys.values()].filter(
    ({ key, table: own, kind, help }) =>
      own === table &&
      kind !== "table" &&
      (typed === "" || `${owner}.${key} ${help}`.toLowerCase().includes(typed)),
  );
  if (rows.length === 0)
    return typed === "" ? <Empty title={text("This part has no value of its own.")} /> : null;
  return (
    <section className="panel">
      <div className="px-4 pt-3">
        <h2 className="font-mono text-[14px] break-all">
          {table.replaceAll("[]", "")}
          {name !== null && ` · ${name}`}
        </h2>
        {typed === "" && (
          <p className="text-[13px] text-muted">{settings.tables.find((one) => one.table === table)?.help}</p>
        )}
      </div>
      <div className="divide-y divide-line px-4">
        {rows.map((key) => {
          const path = `${owner}.${lastName(key.key)}`;
          return (
            <SettingRow
              key={path}
              setting={key}
              value={settings.values.find((value) => value.path === path)}
              edit={edits.get(path)}
              problem={problems.get(path) ?? null}
              isLocked={settings.lockedReason !== null}
              onType={(next) => onEdit(path, next)}
            />
          );
        })}
      </div>
    </section>
  );
}
