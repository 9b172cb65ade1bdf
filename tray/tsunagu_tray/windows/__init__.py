"""Window programs (GTK 4 and libadwaita): one short-lived process each, a question on stdin, the answer on stdout."""
