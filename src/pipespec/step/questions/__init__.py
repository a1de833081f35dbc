"""Questions to the project's code, answered in a separate process: probes, trial imports."""
