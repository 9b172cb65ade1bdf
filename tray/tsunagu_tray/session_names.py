"""Names on the session's bus that tray and windows know each other by."""

TRAY = "org.tsunagu.Tray"  # owned by the one tray program of a session
TRAY_PATH = "/org/tsunagu/Tray"
TRAY_INTERFACE = "org.tsunagu.Tray1"
WINDOW = "org.tsunagu.Window"  # owned by the one process that has the windows
