"""What a run leaves behind: its JSON, its place, its score, its statistics."""
