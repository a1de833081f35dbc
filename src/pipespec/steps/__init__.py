"""Functions for steps that are not Python functions: scripts, programs, notebooks, queries. See docs/steps.md.

Each is a plain function, as a user could write it. It knows nothing of the runner except how a step fails.
"""

from pipespec.steps.command_step import command
from pipespec.steps.notebook_step import notebook
from pipespec.steps.script_step import script
from pipespec.steps.sql_step import sql

__all__ = ["command", "notebook", "script", "sql"]
