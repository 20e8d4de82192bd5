"""The store: the port that the flows know, and the engines that keep its promises."""
