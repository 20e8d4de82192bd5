"""The settings: the environment and the configuration file, read strictly into frozen values."""
