"""The sharing mode: one network that holds the weights of a whole space."""
