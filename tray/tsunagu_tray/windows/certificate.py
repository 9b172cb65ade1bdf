"""The certificate window: a ``CertificateQuestion`` on stdin, ``{"verdict": …}`` on stdout, nothing for no."""

import base64
import sys
import warnings
from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.utils import CryptographyDeprecationWarning

from tsunagu_tray.texts import Texts
from tsunagu_tray.windows.window import CONTENT_WIDTH, Adw, Gtk, Window, facts, label


@dataclass(frozen=True, slots=True)
class Certificate:
    """What of a certificate a person can judge."""

    subject: str
    issuer: str
    start: datetime
    end: datetime
    sha256: str


def read(der: bytes) -> Certificate:
    """The readable side of a certificate.

    Raises:
        ValueError: it is not one.
    """
    with warnings.catch_warnings():
        # VPN servers number the certificates that they make for themselves 0, which RFC 5280 does not like.
        warnings.simplefilter("ignore", CryptographyDeprecationWarning)
        parsed = x509.load_der_x509_certificate(der)
    return Certificate(
        _name(parsed.subject),
        _name(parsed.issuer),
        parsed.not_valid_before_utc,
        parsed.not_valid_after_utc,
        parsed.fingerprint(SHA256()).hex(),
    )


def _name(name: x509.Name) -> str:
    return ", ".join(str(part.value) for part in name) or "–"


def grouped(fingerprint: str) -> str:
    """For reading aloud: pairs of digits, sixteen pairs a line."""
    pairs = [fingerprint[i : i + 2].upper() for i in range(0, len(fingerprint), 2)]
    return "\n".join(" ".join(pairs[i : i + 16]) for i in range(0, len(pairs), 16))


def rows(shown: Certificate, texts: Texts, now: datetime) -> list[tuple[str, str]]:
    """Titles and values."""
    issuer = texts("certificate_self_issued") if shown.issuer == shown.subject else shown.issuer
    key = "certificate_from_to" if shown.start <= now <= shown.end else "certificate_expired"
    validity = texts(key, start=f"{shown.start:%Y-%m-%d}", end=f"{shown.end:%Y-%m-%d}")
    return [
        (texts("certificate_subject"), shown.subject),
        (texts("certificate_issuer"), issuer),
        (texts("certificate_validity"), validity),
    ]


def build(window: Window) -> Adw.MessageDialog:
    """The dialog for the window's question."""
    question, texts = window.question, window.texts
    changed = question["changed"]
    heading = texts("certificate_changed_heading" if changed else "certificate_heading")
    dialog = Adw.MessageDialog(heading=heading)
    dialog.add_response("cancel", texts("window_cancel"))
    dialog.add_response("once", texts("window_trust_once"))
    dialog.add_response("pin", texts("window_trust_always"))
    dialog.set_close_response("cancel")
    dialog.set_default_response("cancel")  # a careless Enter trusts nobody
    dialog.set_response_appearance(
        "pin", Adw.ResponseAppearance.DESTRUCTIVE if changed else Adw.ResponseAppearance.SUGGESTED
    )

    content = Gtk.Box(orientation=Gtk.Orientation.VERTICAL, spacing=12, width_request=CONTENT_WIDTH)
    why = "changed" if changed else question["code"] if question["code"] in (106, 149) else 85
    content.append(label(texts(f"certificate_why_{why}", server=question["server"]), *(["alarm"] if changed else [])))
    try:
        shown = read(base64.b64decode(question["der"]))
    except ValueError:
        content.append(label(texts("certificate_unreadable"), "alarm"))
        fingerprint = question["sha256"]
    else:
        content.append(facts(rows(shown, texts, datetime.now(UTC))))
        fingerprint = shown.sha256
    box = Gtk.Box(orientation=Gtk.Orientation.VERTICAL, spacing=4)
    box.append(label(texts("certificate_fingerprint"), "dim-label", "caption"))
    box.append(label(grouped(fingerprint), "fingerprint", selectable=True))
    content.append(box)
    dialog.set_extra_child(content)

    def responded(_dialog: Adw.MessageDialog, response: str) -> None:
        if response in ("once", "pin"):
            window.answer({"verdict": response})
        else:
            window.cancel()

    dialog.connect("response", responded)
    return dialog


if __name__ == "__main__":
    sys.exit(Window(build).run())
