"""The operators' command line: reads arguments, calls one flow, prints what came of it."""
