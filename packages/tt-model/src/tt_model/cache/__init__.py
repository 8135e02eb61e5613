"""Keys and values of what was read, so that a step costs one token."""
