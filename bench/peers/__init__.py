"""Other brokers and providers, as the same load client meets them: how each is set up, and which logins it is asked for."""
