"""The trees are those of RFC 6962, and what is proved with them holds for nothing else."""

from hashlib import sha256

import pytest

from accounts import merkle

LEAVES = [sha256(bytes([number])).digest() for number in range(20)]


def root_by_the_rfc(leaves: list[bytes]) -> bytes:
    """Divide at the largest power of two below the number of leaves (RFC 6962, 2.1)."""
    if len(leaves) == 1:
        return leaves[0]
    half = 1 << (len(leaves) - 1).bit_length() - 1
    left, right = root_by_the_rfc(leaves[:half]), root_by_the_rfc(leaves[half:])
    return sha256(b"\x01" + left + right).digest()


def path_by_the_rfc(leaves: list[bytes], index: int) -> list[bytes]:
    if len(leaves) == 1:
        return []
    half = 1 << (len(leaves) - 1).bit_length() - 1
    if index < half:
        return [*path_by_the_rfc(leaves[:half], index), root_by_the_rfc(leaves[half:])]
    return [*path_by_the_rfc(leaves[half:], index - half), root_by_the_rfc(leaves[:half])]


@pytest.mark.parametrize("size", range(1, 21))
def test_roots_and_paths_are_those_of_the_rfc(size: int) -> None:
    leaves = LEAVES[:size]

    assert merkle.root(leaves) == root_by_the_rfc(leaves)
    for index in range(size):
        assert merkle.audit_path(leaves, index) == path_by_the_rfc(leaves, index)
