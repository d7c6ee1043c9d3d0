import { useQuery } from "@tanstack/react-query";
import { ArrowRight, CircleCheck, CircleDashed } from "lucide-react";
import { Link } from "wouter";
import { buttonClass } from "../../components/button.tsx";
import { Panel } from "../../components/page.tsx";
import { call } from "../../lib/api.ts";
import { CREDENTIALS_KEY } from "../../lib/follow-live.ts";
import { useText } from "../../lib/text.ts";

/** No request yet in this range: the way to the first answer, with what is done already. */
export function FirstSteps() {
  const text = useText();
  const credentials = useQuery({
    queryKey: CREDENTIALS_KEY,
    queryFn: ({ signal }) => call("listCredentials", { signal }),
  });
  const keys = useQuery({
    queryKey: ["keys", "first"],
    queryFn: ({ signal }) => call("listKeys", { query: { limit: "1", state: "active" }, signal }),
  });
  const ready = credentials.data?.credentials.filter(({ state }) => state === "ready").length ?? 0;
  const steps = [
    {
      title: text("Add a credential of a provider"),
      detail: text("{count, plural, one {# credential is ready} other {# credentials are ready}}", {
        count: ready,
      }),
      isDone: ready > 0,
      to: "/pool?add=1",
      action: text("Add credentials"),
    },
    {
      title: text("Make a key for your client"),
      detail: text("It comes with snippets for each SDK and client, with the real address."),
      isDone: (keys.data?.total ?? 0) > 0,
      to: "/keys?new=1",
      action: text("Create a key"),
    },
    {
      title: text("Send the first request"),
      detail: text("From your client, or here in the playground. It appears on this page within seconds."),
      isDone: false,
      to: "/playground",
      action: text("Open the playground"),
    },
  ];
  const next = steps.findIndex(({ isDone }) => !isDone);
  return (
    <Panel
      title={text("No request in this range yet")}
      tools={
        <Link href="/start" className={buttonClass("quiet")}>
          {text("First steps")}
        </Link>
      }
    >
      <ol className="flex flex-col divide-y divide-line">
        {steps.map(({ title, detail, isDone, to, action }, at) => (
          <li key={to} className="flex flex-wrap items-center gap-x-3 gap-y-2 py-2.5">
            {isDone ? (
              <CircleCheck size={20} aria-label={text("Done")} className="shrink-0 text-good" />
            ) : (
              <CircleDashed size={20} aria-label={text("Not done yet")} className="shrink-0 text-muted" />
            )}
            <div className="min-w-0 flex-1 basis-60">
              <p className="font-medium">{title}</p>
              <p className="text-[13px] text-muted">{detail}</p>
            </div>
            <Link href={to} className={buttonClass(at === next ? "primary" : "plain")}>
              {action}
              <ArrowRight size={15} aria-hidden />
            </Link>
          </li>
        ))}
      </ol>
    </Panel>
  );
}
