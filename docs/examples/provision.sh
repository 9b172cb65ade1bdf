#!/bin/sh
# Save the connections of a table, one "NAME SERVER HUB USER FINGERPRINT" a line; what is there already stays as it is.
# Running it again changes nothing, as Ansible and the like want it:  provision.sh connections.txt
set -eu
grep -v '^#' "$1" | while read -r name server hub user fingerprint; do
    tsunagu show "$name" >/dev/null 2>&1 </dev/null ||
        tsunagu add "$name" --server "$server" --hub "$hub" --user "$user" --fingerprint "$fingerprint" </dev/null
done
