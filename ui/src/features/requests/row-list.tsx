import { useVirtualizer } from "@tanstack/react-virtual";
import { type ReactNode, useEffect, useRef, useSyncExternalStore } from "react";
import { useText } from "../../lib/text.ts";
import type { RequestRow } from "./outcomes.ts";
import { RequestLine, RequestLineHead } from "./request-line.tsx";

const WIDE = "(min-width: 1024px)";
const LINE_HEIGHT = { wide: 36, narrow: 60 };
const NEAR_END = 20;

function useIsWide(): boolean {
  return useSyncExternalStore(
    (changed) => {
      const media = matchMedia(WIDE);
      media.addEventListener("change", changed);
      return () => media.removeEventListener("change", changed);
    },
    () => matchMedia(WIDE).matches,
  );
}

/** Rows of which only those in sight are on the page. */
export function RowList({
  rows,
  onNearEnd,
  onLeaveTop,
  foot,
}: {
  rows: readonly RequestRow[];
  /** The last row is nearly in sight. */
  onNearEnd?: () => void;
  /** Whether the first row is out of sight. */
  onLeaveTop?: (hasLeft: boolean) => void;
  foot?: ReactNode;
}) {
  const text = useText();
  const box = useRef<HTMLElement>(null);
  const isWide = useIsWide();
  const height = isWide ? LINE_HEIGHT.wide : LINE_HEIGHT.narrow;
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => box.current,
    estimateSize: () => height,
    getItemKey: (at) => rows[at]?.id ?? at,
    overscan: 12,
  });
  // biome-ignore lint/correctness/useExhaustiveDependencies: measured anew when lines become one or two rows of text
  useEffect(() => virtual.measure(), [height]);
  const items = virtual.getVirtualItems();
  const last = items.at(-1)?.index ?? 0;
  useEffect(() => {
    if (last >= rows.length - NEAR_END) onNearEnd?.();
  }, [last, rows.length, onNearEnd]);
  return (
    <div className="panel overflow-hidden">
      {isWide && <RequestLineHead />}
      <section
        ref={box}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached with the keyboard
        tabIndex={0}
        aria-label={text("Requests")}
        onScroll={({ currentTarget }) => onLeaveTop?.(currentTarget.scrollTop > height)}
        className="h-[calc(100dvh-250px)] min-h-72 overflow-y-auto md:h-[calc(100dvh-190px)]"
      >
        <ul className="relative" style={{ height: virtual.getTotalSize() }}>
          {items.map(({ key, index, start }) => (
            <li
              key={key}
              className="absolute inset-x-0 top-0 border-b border-line"
              style={{ height, transform: `translateY(${start}px)` }}
            >
              <RequestLine row={rows[index] as RequestRow} isWide={isWide} />
            </li>
          ))}
        </ul>
        {foot}
      </section>
    </div>
  );
}
