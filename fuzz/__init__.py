"""Looking for documents that fool us: a differential oracle of three verifiers, and coverage-guided fuzzing of every decoder."""
