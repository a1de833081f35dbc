"""Create the variants of declared steps and connect their inputs."""
