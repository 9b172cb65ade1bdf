"""The states' pictures for windows: those of the tray, so that one thing looks the same everywhere."""

from functools import cache

from tsunagu_tray.images import picture
from tsunagu_tray.tray_model import Kind
from tsunagu_tray.windows.toolkit import Gdk, GLib, Gtk

SIZE = 32  # px; textures have twice as many for fine screens


@cache
def texture(kind: Kind, size: int = SIZE) -> Gdk.Texture:
    """The picture of a state."""
    image = picture(kind, 2 * size)
    octets = GLib.Bytes.new(image.tobytes())
    return Gdk.MemoryTexture.new(*image.size, Gdk.MemoryFormat.R8G8B8A8, octets, 4 * image.width)


def image(kind: Kind) -> Gtk.Image:
    """A widget with it; the words beside it say the same."""
    return Gtk.Image(paintable=texture(kind), pixel_size=SIZE, accessible_role=Gtk.AccessibleRole.PRESENTATION)
