/** Minutes since midnight; `toMinute` is exclusive, and before `fromMinute` when the hours run over midnight. */
export interface Hours {
  readonly fromMinute: number;
  readonly toMinute: number;
}

const HOURS = /^([01]\d|2[0-3]):([0-5]\d)-(?:([01]\d|2[0-3]):([0-5]\d)|24:00)$/;
const DAY_MINUTES = 1_440;

/** `08:00-18:30`; null: the text is none, or no hour would be in it. */
export function parseHours(text: string): Hours | null {
  const match = HOURS.exec(text);
  if (match === null) return null;
  const [, fromHour, fromMinute, toHour, toMinute] = match;
  const from = Number(fromHour) * 60 + Number(fromMinute);
  const to = toHour === undefined ? DAY_MINUTES : Number(toHour) * 60 + Number(toMinute);
  return from === to ? null : { fromMinute: from, toMinute: to };
}
