"""The components of the bootstrap project: deployed before the project that it prepares, they import nothing of it."""
