"""What a step's function is called with: imports, params, inputs, loaded and bound."""
