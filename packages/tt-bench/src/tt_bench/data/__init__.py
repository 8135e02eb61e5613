"""Episodes as flat arrays, and every place they come from or go to."""
