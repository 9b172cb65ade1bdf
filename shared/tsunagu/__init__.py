"""The vocabulary that all rooms of Tsunagu share: models, errors, names.  Standard library only, no I/O."""

__version__ = "0.1.0"
