"""The flows: one use case a file, where the law meets store, clock, randomness, keys and the network."""
