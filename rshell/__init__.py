"""rshell: a restricted login shell that runs exactly what it has understood."""

__version__ = "0.1.0"
