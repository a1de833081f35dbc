"""`python -m pipespec` is the command `pipespec`."""

from pipespec.cli import main

main()
