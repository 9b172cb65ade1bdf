"""The worker: one tunnel attempt, unprivileged; the only code that parses bytes from the network."""
