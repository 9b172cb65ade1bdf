"""The root side: owns the virtual NICs and the workers.  Never parses a byte that came from the network."""
