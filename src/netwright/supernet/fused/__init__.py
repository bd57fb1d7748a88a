"""The same mixtures, computed faster: rewrites of common layers with equal numbers."""
