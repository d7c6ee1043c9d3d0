/** Comma-separated values as RFC 4180 describes them, that a spreadsheet may open. */

export type CsvValue = string | number | bigint | boolean | null;

/**
 * A line with its end. null is an empty field. A spreadsheet would run a text that begins as a formula does, and clients
 * choose some texts: such a text gets an apostrophe in front.
 */
export function csvLine(values: readonly CsvValue[]): string {
  return `${values.map(field).join(",")}\r\n`;
}

function field(value: CsvValue): string {
  if (value === null) return "";
  if (typeof value !== "string") return String(value);
  const isFormula = /^[=+\-@\t\r]/.test(value) && !/^-\d+(?:\.\d+)?$/.test(value);
  const text = isFormula ? `'${value}` : value;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
