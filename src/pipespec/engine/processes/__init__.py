"""Run steps in separate processes."""
