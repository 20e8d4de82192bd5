"""Doors: a request becomes plain values, one flow is called, its answer is written."""
