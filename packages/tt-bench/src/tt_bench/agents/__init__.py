"""What acts: start, act, observe. Knows tokens and planners, no training, no files."""
