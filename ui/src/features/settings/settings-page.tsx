import { useQuery } from "@tanstack/react-query";
import { Choice } from "../../components/choice.tsx";
import { ErrorNotice, Loading } from "../../components/notice.tsx";
import { Page } from "../../components/page.tsx";
import { call } from "../../lib/api.ts";
import { usePlace } from "../../lib/place.ts";
import { useText } from "../../lib/text.ts";
import { AuditList } from "./audit-list.tsx";
import { Editor } from "./editor.tsx";
import { NetworkView } from "./network-view.tsx";
import { Transfer } from "./transfer.tsx";

const VIEWS = ["settings", "network", "changes", "transfer"] as const;

export function SettingsPage() {
  const text = useText();
  const [read, write] = usePlace();
  const view = VIEWS.find((one) => one === read("view")) ?? "settings";
  const { data, error, isPending, refetch } = useQuery({
    queryKey: ["settings"],
    queryFn: ({ signal }) => call("getSettings", { signal }),
    // What is being edited must not change under the hands; saving finds what others have changed.
    refetchOnWindowFocus: false,
  });
  const readsFile = view === "settings" || view === "transfer";
  return (
    <Page
      title={text("Settings")}
      tools={
        <Choice
          label={text("Settings")}
          value={view}
          options={[
            { value: "settings", label: text("Configuration") },
            { value: "network", label: text("Network") },
            { value: "changes", label: text("Changes") },
            { value: "transfer", label: text("Export and import") },
          ]}
          onChoose={(next) => write({ view: next === "settings" ? "" : next })}
        />
      }
    >
      {view === "changes" && <AuditList />}
      {view === "network" && <NetworkView />}
      {readsFile && error !== null && <ErrorNotice error={error} onRetry={() => void refetch()} />}
      {readsFile && isPending && <Loading rows={8} height={64} />}
      {view === "settings" && data !== undefined && <Editor settings={data} />}
      {view === "transfer" && data !== undefined && <Transfer settings={data} />}
    </Page>
  );
}
