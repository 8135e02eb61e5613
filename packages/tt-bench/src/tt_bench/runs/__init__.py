"""Runs of methods with seeds: planned, executed, resumed, found again."""
