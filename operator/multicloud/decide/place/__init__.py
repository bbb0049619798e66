"""Where the wished units go: an integer program over whole nodes, after fair shares in closed form."""
