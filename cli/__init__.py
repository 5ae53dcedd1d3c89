"""`slipway`, the command line: one module a group of commands, `main` registers them."""
