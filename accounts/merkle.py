"""Merkle trees of RFC 6962: one hash over many leaves, and short proofs that a leaf is there."""

from collections.abc import Sequence
from hashlib import sha256


def root(leaves: Sequence[bytes]) -> bytes:
    """Return the root over the hashes of at least one leaf."""
    level = leaves
    while len(level) > 1:
        level = _above(level)
    return level[0]


def audit_path(leaves: Sequence[bytes], index: int) -> list[bytes]:
    """Return the hashes that lead from the leaf at `index` to the root, the nearest first."""
    path, level = [], leaves
    while len(level) > 1:
        neighbour = index ^ 1
        if neighbour < len(level):
            path.append(level[neighbour])
        level, index = _above(level), index // 2
    return path


def _above(level: Sequence[bytes]) -> list[bytes]:
    """Return the level above: a hash of each two, and an odd last one as it is."""
    # The RFC divides from the top, at powers of two, which makes the same tree.
    above = [
        sha256(b"\x01" + level[place] + level[place + 1]).digest()
        for place in range(0, len(level) - 1, 2)
    ]
    if len(level) % 2:
        above.append(level[-1])
    return above
