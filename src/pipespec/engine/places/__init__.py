"""Where the steps of a run may execute at the same time: on this machine, on a cluster, on which GPUs."""
