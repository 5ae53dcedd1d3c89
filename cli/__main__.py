"""`python -m cli` is `slipway`."""

from cli.main import main

main()
