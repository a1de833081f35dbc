"""The edge towards a project's disk: its root, its modules, its input files, its git state, what is installed."""
