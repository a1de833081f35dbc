"""Questions to the project's code, answered in a process of its own: probes, imports on trial."""
