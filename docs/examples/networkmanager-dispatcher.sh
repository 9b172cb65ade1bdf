#!/bin/sh
# Connect "office" on every network but the office's own.  NetworkManager runs this when a network comes up:
# copy it to /etc/NetworkManager/dispatcher.d/90-tsunagu, owned by root, mode 755.
set -eu
[ "$2" = up ] || exit 0
if [ "${CONNECTION_ID:-}" = "Office LAN" ]; then
    exec tsunagu disconnect office
fi
exec tsunagu connect office
