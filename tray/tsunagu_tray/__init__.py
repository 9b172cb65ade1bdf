"""The user's side: tray, windows, command line.  Runs as the user, in the session."""
