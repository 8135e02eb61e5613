"""Options to calls, and what is said meanwhile. Nothing else knows a console, tyro."""
