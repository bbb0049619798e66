"""How many units are wished for, and since when."""
