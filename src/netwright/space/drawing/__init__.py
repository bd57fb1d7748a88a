"""How networks and spaces are drawn: what is shown of them, where it stands, and its files."""
