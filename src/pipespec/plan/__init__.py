"""Spec, facts and records -> Plan: what runs, what is reused, and why. Pure."""
