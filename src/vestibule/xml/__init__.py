"""Untrusted XML: bounded parsing, and signatures that return what was signed."""
