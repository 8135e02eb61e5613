"""Agents played in environments: scored, recorded, resumed."""
