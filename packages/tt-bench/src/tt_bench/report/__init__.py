"""Tables, pictures and videos made of results."""
