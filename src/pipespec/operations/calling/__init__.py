"""A step's function, or any function, called once from the shell: nothing is recorded."""
