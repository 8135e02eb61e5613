"""Files whole or not at all: write, lock, download, JSON."""
