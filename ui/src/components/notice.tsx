import { CircleAlert, CircleX, Info, type LucideIcon, TriangleAlert } from "lucide-react";
import type { ReactNode } from "react";
import { ApiError } from "../lib/api.ts";
import { useText } from "../lib/text.ts";
import { Button } from "./button.tsx";
import { CopyButton } from "./copy-button.tsx";
import { ScrollRegion } from "./scroll-region.tsx";

const TONES = {
  info: { look: "border-info bg-info-soft", ink: "text-info", Icon: Info },
  warn: { look: "border-warn bg-warn-soft", ink: "text-warn", Icon: TriangleAlert },
  bad: { look: "border-bad bg-bad-soft", ink: "text-bad", Icon: CircleX },
} as const;

/** A message inside a page. */
export function Notice({ tone, children }: { tone: keyof typeof TONES; children: ReactNode }) {
  const { look, ink, Icon } = TONES[tone];
  return (
    <div
      role={tone === "bad" ? "alert" : "status"}
      className={`flex gap-2 rounded-[8px] border px-3 py-2 ${look}`}
    >
      <Icon size={16} aria-hidden className={`mt-0.5 shrink-0 ${ink}`} />
      <div className="min-w-0 flex-1 break-words">{children}</div>
    </div>
  );
}

/** What went wrong, and what repairs it, as the gateway says. */
export function ErrorNotice({ error, onRetry }: { error: unknown; onRetry?: () => void }) {
  const text = useText();
  const known = error instanceof ApiError ? error : null;
  const message =
    known?.kind === "offline" ? text("The gateway does not answer.") : (known?.message ?? String(error));
  return (
    <Notice tone="bad">
      <p className="font-medium">{message}</p>
      {known?.path != null && <p className="font-mono text-[13px]">{known.path}</p>}
      {known?.repair != null && <p>{known.repair}</p>}
      {known?.paste != null && (
        <>
          <p className="mt-2">{text("To paste into the file by hand:")}</p>
          <ScrollRegion
            label={text("To paste into the file by hand:")}
            className="my-1 max-h-60 rounded-[7px] bg-sunken"
          >
            <pre className="w-max min-w-full p-2 font-mono text-[12.5px]">{known.paste}</pre>
          </ScrollRegion>
          <CopyButton value={known.paste} label={text("Copy the text")} />
        </>
      )}
      {onRetry !== undefined && (
        <Button className="mt-2" onClick={onRetry}>
          {text("Try again")}
        </Button>
      )}
    </Notice>
  );
}

/** Nothing is there yet: says so, and what to do next. */
export function Empty({
  icon: Icon = CircleAlert,
  title,
  children,
}: {
  icon?: LucideIcon;
  title: string;
  children?: ReactNode;
}) {
  return (
    <div className="flex flex-col items-center gap-2 px-4 py-10 text-center">
      <Icon size={28} aria-hidden className="text-muted" />
      <p className="font-medium">{title}</p>
      <div className="max-w-md text-muted">{children}</div>
    </div>
  );
}

/** Keeps the place of what is being read, so that nothing moves when it is there. */
export function Loading({ rows = 4, height = 44 }: { rows?: number; height?: number }) {
  const text = useText();
  return (
    <div role="status" className="flex flex-col gap-2">
      <span className="sr-only">{text("Loading…")}</span>
      {Array.from({ length: rows }, (_, row) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: the rows are all the same and never move
        <div key={row} className="animate-pulse rounded-[8px] bg-hover" style={{ height }} />
      ))}
    </div>
  );
}
