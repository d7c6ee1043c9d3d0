import { Fragment } from "react";
import { ScrollRegion } from "../../components/scroll-region.tsx";
import { whole } from "../../lib/format.ts";
import { useText } from "../../lib/text.ts";
import { type CapturedBody, partsBeside, readableText } from "./capture-texts.ts";

/** A body as text, whatever is in it. `other`: a body beside it, of which lines that only this one has are marked. */
export function BodyView({
  label,
  body,
  isRaw,
  other,
}: {
  label: string;
  body: CapturedBody | null;
  isRaw: boolean;
  other?: CapturedBody | null | undefined;
}) {
  const text = useText();
  if (body === null || body.bytes === 0) return <p className="text-[13px] text-muted">{text("No body.")}</p>;
  const known = body.text === null || isRaw ? body.text : readableText(body.text);
  const beside = isRaw || other?.text == null ? null : readableText(other.text);
  return (
    <>
      <ScrollRegion label={`${label} · ${text("Body")}`} className="max-h-[28rem] rounded-[7px] bg-sunken">
        <pre className="p-3 font-mono text-[12.5px] break-words whitespace-pre-wrap">
          {known === null
            ? body.base64
            : partsBeside(known, beside).map(({ text: part, isOwn }, at) => (
                // biome-ignore lint/suspicious/noArrayIndexKey: the parts of a text never move
                <Fragment key={at}>
                  {at > 0 && "\n"}
                  {isOwn ? <mark className="rounded-[3px] bg-warn-soft text-ink">{part}</mark> : part}
                </Fragment>
              ))}
        </pre>
      </ScrollRegion>
      <p className="tabular text-[13px] text-muted">
        {text("{count, plural, one {# byte} other {# bytes}}", { count: body.bytes })}
        {body.text === null && ` · ${text("no text: shown as base64")}`}
        {body.isCut && <span className="text-warn"> · {text("cut: only the beginning was kept")}</span>}
      </p>
    </>
  );
}

/** Headers in the order in which they were sent. */
export function HeadersView({ headers }: { headers: readonly (readonly string[])[] }) {
  const text = useText();
  return (
    <details>
      <summary className="w-fit text-[13px] text-muted">
        {text("Headers")} ({whole(headers.length)})
      </summary>
      <dl className="mt-1 flex flex-col gap-0.5 font-mono text-[12.5px]">
        {headers.map(([name = "", value = ""]) => (
          <div key={`${name} ${value}`} className="break-all">
            <dt className="inline text-muted">{name}: </dt>
            <dd className="inline">{value}</dd>
          </div>
        ))}
      </dl>
    </details>
  );
}
