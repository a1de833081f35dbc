"""Run a plan: from a plan to Luigi tasks, to steps in separate processes. The only package that imports luigi."""
