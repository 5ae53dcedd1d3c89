"""The offline engine: runs `__main__.py` without the Pulumi CLI.

`program.run_program` runs the program against a `provider.Provider`, which says what each resource's outputs are:
`preview.PreviewProvider` answers unknowns as a first `pulumi preview` does; the sandbox's provider creates the
resource.
"""
