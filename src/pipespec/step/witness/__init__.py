"""What a step touches while it executes, beyond what its key covers: observed, judged, digested."""
