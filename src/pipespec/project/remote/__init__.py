"""Remote stores of external inputs at URIs."""
