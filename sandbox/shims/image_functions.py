"""Functions that are made of an image: run where the sandbox built the image itself, as a process of this machine."""

import atexit
import dataclasses
import io
import os
import shlex
import shutil
import threading
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from sandbox import emulator
from sandbox.batch.runner import unpack
from sandbox.images import Image, ImageStore
from sandbox.images.command import invocation
from sandbox.shims.replacing import replace

_RUNTIME: Final = "provided.al2023"
"""What an image's program talks to is the same interface that a custom runtime has [AWS Lambda developer guide, "Using
the Lambda runtime API"], and the emulator serves that one."""
_trees: Final = dict[str, Path]()
_lock: Final = threading.Lock()


def install() -> None:
    """Replace the emulator's function."""
    replace(emulator.service("lambda_svc"), "_execute_function_docker", _run_image)


def _run_image(original: Callable[..., Any]) -> Callable[..., Any]:
    def execute(function: Mapping[str, Any], event: Any, request_id: str) -> Any:
        config: Mapping[str, Any] = function.get("config") or function
        if config.get("PackageType") != "Image":
            return original(function, event, request_id)
        # The sandbox's folder: its server has the folder for temporary files there.
        images = ImageStore(Path(os.environ["TMPDIR"]).parent / "images")
        image = images.find(config["ImageUri"])
        if image is None:
            text = (
                f"The sandbox doesn't run {config['FunctionName']}: it didn't build {config['ImageUri']} itself; "
                "see docs/sandbox.md."
            )
            return {"body": {"errorMessage": text, "errorType": "Sandbox.ImageFunction"}, "error": True}
        program = {**function, "config": {**config, "PackageType": "Zip", "Runtime": _RUNTIME}}
        return emulator.service("lambda_svc")._execute_function_provided(
            {**program, "code_zip": _bootstrap(image, config)}, event, request_id
        )

    return execute


def _bootstrap(image: Image, config: Mapping[str, Any]) -> bytes:
    """An archive with the program that stands for the container."""
    overrides: Mapping[str, Any] = config.get("ImageConfigResponse", {}).get("ImageConfig", {})
    image = dataclasses.replace(
        image,
        entrypoint=overrides.get("EntryPoint") or image.entrypoint,
        workdir=overrides.get("WorkingDirectory") or image.workdir,
    )
    tree = _tree(image)
    variables: Mapping[str, str] = config.get("Environment", {}).get("Variables", {})
    call = invocation(image, tree / "rootfs", tree / "bin", overrides.get("Command"), variables)
    lines = [
        "#!/bin/sh",
        # Credentials, region and endpoint are the function's own, whatever an image says.
        *(
            f"export {name}={shlex.quote(value)}"
            for name, value in call.environment.items()
            if not name.startswith("AWS_")
        ),
        f"cd {shlex.quote(str(call.folder))}",
        f"exec {shlex.join(call.arguments)}",
    ]
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("bootstrap", "\n".join(lines) + "\n")
    return content.getvalue()


def _tree(image: Image) -> Path:
    """A copy of the image's tree, one for all invocations, as the copies of a function share theirs on AWS."""
    with _lock:
        if image.digest not in _trees:
            _trees[image.digest] = Path(unpack(image))
            atexit.register(shutil.rmtree, _trees[image.digest], ignore_errors=True)
        return _trees[image.digest]
