"""Compiles what the project asks for into the two locks that are installed."""

from gatewayz.dev.checkout import Refusal
from gatewayz.dev.children import run_in_foreground
from gatewayz.dev.virtual_environment import INSTALLER, STAMP, UV

LOCKS = {"requirements.in": "requirements.txt", "requirements-dev.in": "requirements-dev.txt"}


def lock(arguments: list[str]) -> int:
    """Compile both; arguments go to uv, for instance `--upgrade-package django`."""
    if not (INSTALLER / STAMP).exists():
        raise Refusal(f"only {UV} compiles the locks, and it cannot be had here.")
    uv = [str(INSTALLER / "bin" / "python"), "-m", "uv", "pip", "compile"]
    options = ["--universal", "--python-version", "3.11", "--generate-hashes", "--quiet"]
    for source, target in LOCKS.items():
        command = [*uv, *options, *arguments, source, "-o", target]
        code = run_in_foreground(command)
        if code != 0:
            return code
    return 0
