"""What a step uses while it executes, beyond what its key covers: observed, judged, digested."""
