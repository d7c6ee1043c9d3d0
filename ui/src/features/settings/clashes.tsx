import type { ApiError } from "../../lib/api.ts";
import { useText } from "../../lib/text.ts";

/** What this page and somebody else have both changed, from the same value. */
export function Clashes({ clashes }: { clashes: ApiError["clashes"] }) {
  const text = useText();
  return (
    <ul className="flex flex-col gap-3">
      {clashes.map(({ path, base, theirs, mine }) => (
        <li key={path} className="min-w-0">
          <p className="font-mono text-[13px] break-all">{path}</p>
          <dl className="grid grid-cols-[auto_minmax(0,1fr)] gap-x-3 text-[13px]">
            {(
              [
                [text("when this page was read"), base],
                [text("in the file now"), theirs],
                [text("wanted here"), mine],
              ] as const
            ).map(([title, value]) => (
              <div key={title} className="contents">
                <dt className="text-muted">{title}</dt>
                <dd className="font-mono break-all">{value ?? text("None")}</dd>
              </div>
            ))}
          </dl>
        </li>
      ))}
    </ul>
  );
}
