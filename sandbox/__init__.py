"""The whole stack on one machine: an AWS emulator, a Batch that runs jobs, and what deploys the program into them.

`process` starts and stops the server, `server` is the server, `deploy` creates the program's resources in it.
"""
