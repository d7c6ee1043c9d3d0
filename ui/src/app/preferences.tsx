import { Languages, Monitor, Moon, Sun } from "lucide-react";
import { useState } from "react";
import { IconButton } from "../components/button.tsx";
import { Menu } from "../components/menu.tsx";
import { chooseLanguage, LANGUAGES, type Language, useLanguage, useText } from "../lib/text.ts";
import { chooseTheme, currentTheme, THEMES, type Theme } from "./theme.ts";

const ICONS = { system: Monitor, light: Sun, dark: Moon } as const;

/** Colours and language. */
export function Preferences() {
  const text = useText();
  const language = useLanguage();
  const [theme, setTheme] = useState<Theme>(currentTheme());
  const Icon = ICONS[theme];
  const names = { system: text("As the system"), light: text("Light"), dark: text("Dark") } as const;
  return (
    <div className="flex items-center">
      <Menu
        trigger={
          <IconButton label={text("Colours")}>
            <Icon size={18} aria-hidden />
          </IconButton>
        }
        groups={[
          {
            label: text("Colours"),
            items: THEMES.map((one) => {
              const Item = ICONS[one];
              return {
                label: names[one],
                icon: <Item size={15} aria-hidden />,
                isChosen: one === theme,
                run: () => {
                  setTheme(one);
                  chooseTheme(one);
                },
              };
            }),
          },
        ]}
      />
      <Menu
        trigger={
          <IconButton label={`${text("Language")} · Language`}>
            <Languages size={18} aria-hidden />
          </IconButton>
        }
        groups={[
          {
            label: "Language · 语言",
            items: Object.entries(LANGUAGES).map(([code, name]) => ({
              label: name,
              isChosen: code === language,
              run: () => void chooseLanguage(code as Language),
            })),
          },
        ]}
      />
    </div>
  );
}
