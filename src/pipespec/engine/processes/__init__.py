"""Steps run in processes of their own."""
