"""How fast Slipway is, measured: `make bench` prints each figure beside what it must reach."""
