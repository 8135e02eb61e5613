"""From a dataset to an agent: one file a method, with its settings, cost and pace."""
