#!/bin/sh
# While "office" is connected, let nobody behind its hub reach services of this machine.
# As root: install -D -m 755 hook-firewall.sh /etc/tsunagu/hooks.d/50-firewall
set -eu
# Anybody may call a connection "office"; this is about the one that root has added.
[ "$TSUNAGU_CONNECTION" = office ] && [ "$TSUNAGU_OWNER" = 0 ] || exit 0
case $TSUNAGU_EVENT in
    connected)
        nft -f - <<.
table inet office
delete table inet office
table inet office {
    chain input {
        type filter hook input priority 0
        iifname "$TSUNAGU_NIC" ct state established,related accept
        iifname "$TSUNAGU_NIC" meta l4proto { icmp, ipv6-icmp } accept
        iifname "$TSUNAGU_NIC" drop
    }
}
.
        ;;
    disconnected | lost) nft delete table inet office ;;
esac
