"""``make bench``: Tsunagu beside the official client and OpenVPN, interleaved, on one machine."""
