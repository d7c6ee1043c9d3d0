import { Link } from "wouter";
import { buttonClass } from "../../components/button.tsx";
import { CopyButton } from "../../components/copy-button.tsx";
import { Panel } from "../../components/page.tsx";
import { useSession } from "../../lib/session.ts";
import { useText } from "../../lib/text.ts";

/** No request yet in this range: the way to one. */
export function FirstSteps() {
  const text = useText();
  const baseUrl = useSession()?.baseUrl ?? location.origin;
  const command = `curl ${baseUrl}/v1/models -H "authorization: Bearer $CLEWLINE_KEY"`;
  return (
    <Panel title={text("No request in this range yet")}>
      <ol className="flex list-decimal flex-col gap-2 pl-5">
        <li>
          {text("See whether a credential is ready.")}{" "}
          <Link href="/pool" className="text-accent underline">
            {text("Pool")}
          </Link>
        </li>
        <li>
          {text("Make a key for your client. It comes with snippets for each SDK.")}{" "}
          <Link href="/keys?new=1" className="text-accent underline">
            {text("Create a key")}
          </Link>
        </li>
        <li>{text("Send a request; it appears here within seconds.")}</li>
      </ol>
      <div className="mt-3 flex flex-wrap items-center gap-2">
        <code className="min-w-0 flex-1 basis-64 overflow-x-auto rounded-[7px] bg-sunken px-3 py-2 font-mono text-[13px]">
          {command}
        </code>
        <CopyButton value={command} />
        <Link href="/requests" className={buttonClass("quiet")}>
          {text("Watch requests live")}
        </Link>
      </div>
    </Panel>
  );
}
