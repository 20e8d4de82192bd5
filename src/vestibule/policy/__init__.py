"""The law of our own house: pure decisions over our own nouns, in tables that can be read whole."""
