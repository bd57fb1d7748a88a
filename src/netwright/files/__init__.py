"""Files on disk, whatever they hold: written whole or not at all; no format is known."""
