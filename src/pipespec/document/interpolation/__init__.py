"""References `${...}` -> values."""
