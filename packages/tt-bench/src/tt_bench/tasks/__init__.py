"""Environments by id, and the mazes made here: walls, physics, starts, drivers."""
