"""Coverage-guided fuzzing of every parser of octets from outside."""
