"""Spec and signatures -> diagnostics. All checks of a pipeline are here."""
