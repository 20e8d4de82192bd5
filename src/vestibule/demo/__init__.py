"""The tour: a practice company with its portal, two sample applications and an attacker, around a real Vestibule."""
