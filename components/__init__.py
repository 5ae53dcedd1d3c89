"""The parts of a Slipway stack, one Pulumi component a file."""
