#!/usr/bin/env python3
"""Check the answer of `GET /user/transactions/{id}/proof`, by Python's standard library alone.

    curl -H "Authorization: Bearer $KEY" $API/user/transactions/3/proof | python3 verify_proof.py

It prints the entry and the head that covers it, and exits with 1 when they do not belong together.
With a head as argument, kept or published earlier, that one is expected.
"""

import json
import sys
from hashlib import sha256
from typing import Any

FIELDS = (
    *("id", "user_id", "number", "kind", "amount", "balance_after", "created_at", "details"),
    "description",
)


def root_of(entry: str, leaf_index: int, tree_size: int, audit_path: "list[str]") -> "bytes | None":
    """Return the root of the tree with this leaf (RFC 9162, 2.1.3.2), or None."""
    node, last = leaf_index, tree_size - 1
    if not 0 <= node <= last:
        return None
    found = sha256(b"\x00" + entry.encode()).digest()
    for step in map(bytes.fromhex, audit_path):
        if last == 0:
            return None
        if node % 2 or node == last:
            found = sha256(b"\x01" + step + found).digest()
            while node % 2 == 0 and node:
                node, last = node // 2, last // 2
        else:
            found = sha256(b"\x01" + found + step).digest()
        node, last = node // 2, last // 2
    return found if last == 0 else None


def head_of(proof: "dict[str, Any]") -> "str | None":
    """Return the head to which the proof leads, in hexadecimal, or None."""
    path = (proof[name] for name in ("entry", "leaf_index", "tree_size", "audit_path"))
    root = root_of(*path)
    if root is None:
        return None
    return sha256(b"\x02" + bytes.fromhex(proof["previous_head"]) + root).hexdigest()


def main() -> None:
    proof = json.load(sys.stdin)
    expected = sys.argv[1] if len(sys.argv) > 1 else proof["head"]
    if head_of(proof) != expected:
        sys.exit("The proof does not lead from this entry to this head.")
    for name, value in zip(FIELDS, proof["entry"].split("|", len(FIELDS) - 1), strict=True):
        print(f"{name:15}{value}")
    print(f"{'head':15}{expected}")


if __name__ == "__main__":
    main()
