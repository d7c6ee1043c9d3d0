import { useGatewayText } from "../../lib/gateway-text.ts";
import { useText } from "../../lib/text.ts";

/** What a change makes of values, before and after, without secrets. */
export function Differences({
  differences,
}: {
  differences: readonly {
    readonly path: string;
    readonly before: string | null;
    readonly after: string | null;
  }[];
}) {
  const text = useText();
  const said = useGatewayText();
  return (
    <ul className="flex flex-col gap-2">
      {differences.map(({ path, before, after }) => (
        <li key={path} className="min-w-0">
          <p className="font-mono text-[13px] break-all">{path}</p>
          <p className="grid grid-cols-[1.2em_1fr] rounded-[6px] bg-bad-soft px-2 font-mono text-[13px] break-all text-bad">
            <span aria-hidden>−</span>
            <span>
              <span className="sr-only">{text("before")}: </span>
              {before === null ? <em>{text("was not there")}</em> : said(before)}
            </span>
          </p>
          <p className="mt-0.5 grid grid-cols-[1.2em_1fr] rounded-[6px] bg-good-soft px-2 font-mono text-[13px] break-all text-good">
            <span aria-hidden>+</span>
            <span>
              <span className="sr-only">{text("after")}: </span>
              {after === null ? <em>{text("goes away")}</em> : said(after)}
            </span>
          </p>
        </li>
      ))}
    </ul>
  );
}
