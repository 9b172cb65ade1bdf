"""How people want their windows, set as desktops set it: X resources, files of GTK and GSettings, the environment."""

from dataclasses import dataclass
from pathlib import Path

from tests.lab.desktop import Desktop

DPI = 96


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """``express`` them before the first window; the desktop needs the ``environment``."""

    language: str = "C.UTF-8"
    scale: int = 1  # of everything, for fine screens
    text: float = 1.0  # size of text; the desktops' scales between whole numbers are such ones too, on X
    is_dark: bool = False
    high_contrast: bool = False
    motion: bool = True

    @property
    def environment(self) -> dict[str, str]:
        """Of a desktop's programs."""
        return {"LANG": self.language, "GDK_SCALE": str(self.scale), "GSETTINGS_BACKEND": "keyfile"}

    @property
    def screen(self) -> tuple[int, int]:
        """A small one, in pixels."""
        return 900 * self.scale, 800 * self.scale

    def express(self, desktop: Desktop) -> None:
        """To all programs that begin there from now on."""
        resources = f"Xft.dpi: {round(DPI * self.text)}"
        desktop.run("xprop", "-root", "-f", "RESOURCE_MANAGER", "8s", "-set", "RESOURCE_MANAGER", resources)
        gtk = f"[Settings]\ngtk-enable-animations={int(self.motion)}\n"
        contrast = f"[org/gnome/desktop/a11y/interface]\nhigh-contrast={str(self.high_contrast).lower()}\n"
        scheme = f"[org/gnome/desktop/interface]\ncolor-scheme='prefer-{'dark' if self.is_dark else 'light'}'\n"
        for file, text in (("gtk-4.0/settings.ini", gtk), ("glib-2.0/settings/keyfile", contrast + scheme)):
            path = Path(desktop.environment["XDG_CONFIG_HOME"]) / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
