import { Dialog } from "../components/dialog.tsx";
import { useText } from "../lib/text.ts";
import { PAGES } from "./pages.ts";

export function ShortcutHelp({ onClose }: { onClose: () => void }) {
  const text = useText();
  const rows = [
    ["Ctrl K / ⌘K", text("Go to a page, a key or a credential")],
    ["?", text("Show these shortcuts")],
    ["/", text("Search on this page")],
    ["Esc", text("Close what is open")],
    ...PAGES.map(({ key, title }) => [`g ${key}`, text(title)]),
  ] as const;
  return (
    <Dialog isOpen onClose={onClose} title={text("Keyboard shortcuts")}>
      <dl className="grid grid-cols-[auto_1fr] gap-x-4 gap-y-2">
        {rows.map(([keys, what]) => (
          <div key={keys} className="contents">
            <dt>
              <kbd className="rounded-[5px] border border-edge bg-sunken px-1.5 py-0.5 font-mono text-[12.5px]">
                {keys}
              </kbd>
            </dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
    </Dialog>
  );
}
