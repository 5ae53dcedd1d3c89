"""Images without a container engine: a Dockerfile becomes a tree of files and the command to run in it."""

from sandbox.images.build import build
from sandbox.images.errors import ImageError
from sandbox.images.store import Image, ImageStore

__all__ = ["Image", "ImageError", "ImageStore", "build"]
