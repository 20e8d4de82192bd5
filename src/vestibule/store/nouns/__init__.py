"""The port's nouns in SQL, over any engine that runs steps."""
