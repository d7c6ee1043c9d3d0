import { CircleAlert, CircleCheck, CircleDot, CircleX, Info, type LucideIcon } from "lucide-react";
import type { ReactNode } from "react";

const TONES = {
  good: { look: "bg-good-soft text-good", Icon: CircleCheck },
  warn: { look: "bg-warn-soft text-warn", Icon: CircleAlert },
  bad: { look: "bg-bad-soft text-bad", Icon: CircleX },
  info: { look: "bg-info-soft text-info", Icon: Info },
  calm: { look: "bg-hover text-muted", Icon: CircleDot },
} as const;

export type Tone = keyof typeof TONES;

/** A state in words, with a picture, so that it can be told without its colour. */
export function Badge({ tone, icon, children }: { tone: Tone; icon?: LucideIcon; children: ReactNode }) {
  const { look, Icon: usual } = TONES[tone];
  const Icon = icon ?? usual;
  return (
    <span
      className={`inline-flex h-[22px] items-center gap-1 rounded-full px-2 text-[12.5px] font-medium whitespace-nowrap ${look}`}
    >
      <Icon size={13} aria-hidden />
      {children}
    </span>
  );
}
