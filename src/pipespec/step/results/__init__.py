"""What a step's function made: outputs saved and checked, metrics read."""
