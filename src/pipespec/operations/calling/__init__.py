"""Call a step's function, or any function, once from the shell. Nothing is recorded."""
