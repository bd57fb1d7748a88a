"""Settings as a person gives them: by the name of a class, as literal text; no plug-in is known."""
