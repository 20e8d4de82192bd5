"""Clause mutation: every clause of the law is taken out or turned round, and some test must notice [house rule]."""
