"""The ground: what every room stands on, protocols for the outside world and the words for refusal."""
