"""The stories that the demo can tell: one file each, listed in `registry`. `play` sets the stage for them."""
