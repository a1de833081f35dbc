"""From spec, facts and records to a Plan: what runs, what is reused, and why. Pure."""
