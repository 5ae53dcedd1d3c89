"""The rules of the policy pack: pure functions of properties, one module a service.

Nothing here imports a provider SDK or another part of this repository, so the folder works in any project.
"""
