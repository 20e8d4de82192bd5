"""The real outside: the machine's clock, its randomness, and the web."""
