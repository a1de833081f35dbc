"""The arguments of a step's function: imports, params and inputs, loaded and bound."""
