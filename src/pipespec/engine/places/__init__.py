"""Where the steps of a run may execute at a time: on this machine, on a cluster, on which GPUs."""
