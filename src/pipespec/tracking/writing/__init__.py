"""Create runs, log to them and publish them in a tracking store."""
