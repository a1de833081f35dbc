"""Replace references `${...}` by values."""
