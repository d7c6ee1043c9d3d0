import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Command } from "cmdk";
import { KeyRound, Languages, LogOut, Moon, Network, Search } from "lucide-react";
import { type ReactNode, useState } from "react";
import { useLocation } from "wouter";
import { Dialog } from "../components/dialog.tsx";
import { useToast } from "../components/toasts.tsx";
import { call } from "../lib/api.ts";
import { CREDENTIALS_KEY } from "../lib/follow-live.ts";
import { forgetSession } from "../lib/session.ts";
import { chooseLanguage, LANGUAGES, type Language, useText } from "../lib/text.ts";
import { PAGES } from "./pages.ts";
import { chooseTheme, THEMES } from "./theme.ts";

/** Finds a page, a key, a credential or a setting of these pages by its name. */
export function Palette({ onClose }: { onClose: () => void }) {
  const text = useText();
  const [, go] = useLocation();
  const [typed, setTyped] = useState("");
  const names = { system: text("As the system"), light: text("Light"), dark: text("Dark") } as const;
  const credentials = useQuery({
    queryKey: CREDENTIALS_KEY,
    queryFn: ({ signal }) => call("listCredentials", { signal }),
  });
  const keys = useQuery({
    queryKey: ["keys", "palette", typed],
    queryFn: ({ signal }) => call("listKeys", { query: { text: typed, limit: "8" }, signal }),
  });
  const open = (path: string) => (): void => {
    onClose();
    go(path);
  };
  return (
    <Dialog isOpen onClose={onClose} title={text("Go to…")} isTop>
      <Command label={text("Go to…")} loop>
        <div className="flex items-center gap-2 border-b border-line px-4">
          <Search size={17} aria-hidden className="text-muted" />
          <Command.Input
            value={typed}
            onValueChange={setTyped}
            placeholder={text("A page, a key, a credential…")}
            className="h-12 w-full bg-transparent outline-none"
          />
        </div>
        <Command.List className="max-h-[50vh] overflow-y-auto p-2">
          <Command.Empty className="p-4 text-center text-muted">
            {text("Nothing has this name")}
          </Command.Empty>
          <Group title={text("Pages")}>
            {PAGES.map(({ path, title, icon: Icon }) => (
              <Item
                key={path}
                icon={<Icon size={16} aria-hidden />}
                run={open(path)}
                id={`page ${path}`}
                words={[text(title), title]}
              >
                {text(title)}
              </Item>
            ))}
          </Group>
          <Group title={text("Keys")}>
            {keys.data?.keys.map(({ name }) => (
              <Item
                key={name}
                icon={<KeyRound size={16} aria-hidden />}
                run={open(`/keys/${encodeURIComponent(name)}`)}
                id={`key ${name}`}
                words={[name]}
              >
                {name}
              </Item>
            ))}
          </Group>
          <Group title={text("Credentials")}>
            {credentials.data?.credentials.slice(0, 200).map(({ id }) => (
              <Item
                key={id}
                icon={<Network size={16} aria-hidden />}
                run={open(`/pool?at=${encodeURIComponent(id)}`)}
                id={`credential ${id}`}
                words={[id]}
              >
                {id}
              </Item>
            ))}
          </Group>
          <AccessItems onPassword={open("/settings?at=admin")} />
          <Group title={text("Colours")}>
            {THEMES.map((theme) => (
              <Item
                key={theme}
                icon={<Moon size={16} aria-hidden />}
                run={() => {
                  chooseTheme(theme);
                  onClose();
                }}
                id={`theme ${theme}`}
                words={[names[theme], theme]}
              >
                {names[theme]}
              </Item>
            ))}
          </Group>
          <Group title={text("Language")}>
            {Object.entries(LANGUAGES).map(([code, name]) => (
              <Item
                key={code}
                icon={<Languages size={16} aria-hidden />}
                run={() => {
                  void chooseLanguage(code as Language);
                  onClose();
                }}
                id={`language ${code}`}
                words={[name, code]}
              >
                {name}
              </Item>
            ))}
          </Group>
        </Command.List>
      </Command>
    </Dialog>
  );
}

/** What ends or changes who may enter. */
function AccessItems({ onPassword }: { onPassword: () => void }) {
  const text = useText();
  const toast = useToast();
  const queries = useQueryClient();
  const signOutAll = useMutation({
    mutationFn: () => call("signOutAll", {}),
    onSuccess: () => forgetSession(queries),
    onError: (error) => toast({ title: error.message, isBad: true }),
  });
  return (
    <Group title={text("Access")}>
      <Item
        icon={<KeyRound size={16} aria-hidden />}
        run={onPassword}
        id="password"
        words={[text("Change the admin's password")]}
      >
        {text("Change the admin's password")}
      </Item>
      <Item
        icon={<LogOut size={16} aria-hidden />}
        run={() => signOutAll.mutate()}
        id="sign-out-all"
        words={[text("Sign out everywhere")]}
      >
        {text("Sign out everywhere")}
      </Item>
    </Group>
  );
}

function Group({ title, children }: { title: string; children: ReactNode }) {
  return (
    <Command.Group
      heading={title}
      className="[&_[cmdk-group-heading]]:px-2 [&_[cmdk-group-heading]]:py-1 [&_[cmdk-group-heading]]:text-[12.5px] [&_[cmdk-group-heading]]:text-muted"
    >
      {children}
    </Command.Group>
  );
}

function Item(props: { icon: ReactNode; run: () => void; id: string; words: string[]; children: ReactNode }) {
  return (
    <Command.Item
      value={props.id}
      keywords={props.words}
      onSelect={props.run}
      className="flex h-9 cursor-pointer items-center gap-2 rounded-[6px] px-2 data-[selected=true]:bg-hover"
    >
      <span className="text-muted">{props.icon}</span>
      <span className="truncate">{props.children}</span>
    </Command.Item>
  );
}
