import { useQuery } from "@tanstack/react-query";
import { ArrowRight, CircleCheck, TriangleAlert } from "lucide-react";
import { Link } from "wouter";
import { buttonClass } from "../../components/button.tsx";
import { ATTENTION_KEY, type Attention } from "../../lib/follow-live.ts";
import { useGatewayText } from "../../lib/gateway-text.ts";
import { useText } from "../../lib/text.ts";
import type { Message } from "../../locales/messages.ts";

/** By the first part of a path below `/admin`. */
const PLACES: Readonly<Record<string, Message>> = {
  pool: "Open the pool",
  keys: "Open the keys",
  requests: "Open the requests",
  models: "Open the models",
  settings: "Open the settings",
};

const TITLES: Record<Attention[number]["kind"], Message> = {
  credential_invalid: "A credential is refused by its provider",
  credential_exhausted: "A credential is used up",
  all_credentials_unavailable: "No credential can serve",
  upstream_unreachable: "An upstream cannot be reached",
  no_upstreams: "No upstream is set up",
  no_keys: "No client key is there",
  key_refused: "A stored key is refused",
  config_rejected: "A changed configuration is not in effect",
  ledger_unwritable: "The ledger cannot be written",
  model_unpriced: "A model has no price",
  models_unpriced: "Several models have no price",
  budget_low: "A budget is nearly spent",
  budget_empty: "A budget is spent",
  plain_http: "The admin is open over plain HTTP",
};

const placeOf = (to: string): string => /^(?:\/admin)?\/(\w+)/.exec(to)?.[1] ?? "";

/** What needs a person now, each with its repair. Live events are newer than the page's own answer. */
export function AttentionList({ attention: first }: { attention: Attention | undefined }) {
  const text = useText();
  const said = useGatewayText();
  const { data: live } = useQuery<Attention>({ queryKey: ATTENTION_KEY, enabled: false });
  const attention = live ?? first;
  if (attention === undefined) return null;
  if (attention.length === 0)
    return (
      <p className="flex items-center gap-2 text-muted">
        <CircleCheck size={16} aria-hidden className="text-good" />
        {text("Nothing needs you now.")}
      </p>
    );
  return (
    <section aria-label={text("Needs you now")} className="panel overflow-hidden border-warn">
      <ul className="divide-y divide-line">
        {attention.map(({ kind, about, text: detail, fix }) => (
          <li key={`${kind} ${about}`} className="flex flex-wrap items-center gap-x-3 gap-y-2 px-4 py-2.5">
            <TriangleAlert size={17} aria-hidden className="shrink-0 text-warn" />
            <div className="min-w-0 flex-1 basis-60">
              <p className="font-medium break-words">
                {text(TITLES[kind])}
                {about !== "" && <span className="font-mono text-[13px] font-normal"> {about}</span>}
              </p>
              <p className="break-words text-muted">{said(detail)}</p>
            </div>
            <Link href={fix.to.replace(/^\/admin(?=\/|$)/, "") || "/"} className={buttonClass("plain")}>
              {text(PLACES[placeOf(fix.to)] ?? "Open")}
              <ArrowRight size={15} aria-hidden />
            </Link>
          </li>
        ))}
      </ul>
    </section>
  );
}
