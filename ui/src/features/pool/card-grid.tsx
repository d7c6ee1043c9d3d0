import { useWindowVirtualizer } from "@tanstack/react-virtual";
import { useLayoutEffect, useRef, useState, useSyncExternalStore } from "react";
import { CredentialCard } from "./credential-card.tsx";
import type { Credential } from "./states.ts";

const CARD_HEIGHT = 230;
const GAP = 12;
/** From which width on there are so many columns, the most first. */
const WIDTHS = [
  { columns: 3, media: "(min-width: 1536px)" },
  { columns: 2, media: "(min-width: 1024px)" },
] as const;

const columnsNow = (): number => WIDTHS.find(({ media }) => matchMedia(media).matches)?.columns ?? 1;

function watchWidth(changed: () => void): () => void {
  const lists = WIDTHS.map(({ media }) => matchMedia(media));
  for (const list of lists) list.addEventListener("change", changed);
  return () => {
    for (const list of lists) list.removeEventListener("change", changed);
  };
}

interface Cards {
  readonly credentials: readonly Credential[];
  readonly onTest: (credential: Credential) => void;
}

/** Cards in columns, of which only those in sight are on the page. */
export function CardGrid(cards: Cards) {
  const columns = useSyncExternalStore(watchWidth, columnsNow);
  // What was measured in other columns says nothing.
  return <Columns key={columns} columns={columns} {...cards} />;
}

function Columns({ columns, credentials, onTest }: Cards & { columns: number }) {
  const list = useRef<HTMLUListElement>(null);
  const [top, setTop] = useState(0);
  // What stands above may have become higher.
  useLayoutEffect(() => {
    if (list.current !== null) setTop(Math.round(list.current.getBoundingClientRect().top + scrollY));
  });
  const virtual = useWindowVirtualizer({
    count: credentials.length,
    estimateSize: () => CARD_HEIGHT,
    lanes: columns,
    gap: GAP,
    overscan: 2,
    scrollMargin: top,
    getItemKey: (at) => credentials[at]?.id ?? at,
  });
  return (
    <ul ref={list} className="relative -mx-1.5" style={{ height: virtual.getTotalSize() }}>
      {virtual.getVirtualItems().map(({ key, index, start, lane }) => {
        const credential = credentials[index];
        if (credential === undefined) return null;
        return (
          <li
            key={key}
            ref={virtual.measureElement}
            data-index={index}
            className="absolute top-0 px-1.5"
            style={{
              left: `${(lane * 100) / columns}%`,
              width: `${100 / columns}%`,
              transform: `translateY(${start - top}px)`,
            }}
          >
            <CredentialCard credential={credential} onTest={() => onTest(credential)} />
          </li>
        );
      })}
    </ul>
  );
}
