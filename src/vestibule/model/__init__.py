"""Our nouns: frozen values that know no verbs, no protocol and no store."""
