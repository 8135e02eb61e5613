"""A campaign of bad inputs, damaged files and kills, and the laws that hold in it."""
