"""Owns the list of what `./dev` can do; it runs on a bare Python, before anything is installed."""

import sys

VERBS = {
    "run": "serve it with a local Stripe; --story plays Alice and Bob, --demo [N] adds examples",
    "test": "run all checks and tests; --fast and --long; --postgres FOLDER; or only pytest",
    "lint": "check style, types, migrations and the production settings",
    "bench": "measure it beside other ways to do the same; --short, --check in two minutes",
    "drill": "rehearse a production on this machine: kill, fail over, restore; --short",
    "mutate": "change the modules of the money in small ways; a test has to notice each change",
    "format": "format the code, and fix what can be fixed by rule",
    "manage": "run a Django command, for instance: ./dev manage check_ledger",
    "shell": "open a Python shell with Django and the development database",
    "psql": "open psql on the development database",
    "lock": "compile requirements.in and requirements-dev.in into the hashed locks",
    "help": "print this",
}
EXIT_USAGE = 2


def describe() -> str:
    lines = [f"  {verb:<8}{sentence}" for verb, sentence in VERBS.items()]
    return "\n".join(["Usage: ./dev VERB [arguments]", "", *lines])


def answer_at_once(arguments: list[str]) -> None:
    """Print the help or refuse an unknown verb, and exit; return when there is work to do."""
    verb = arguments[0] if arguments else "help"
    if verb in {"help", "-h", "--help"}:
        print(describe())
        sys.exit(0)
    if verb not in VERBS:
        print(f"./dev: there is no verb {verb!r}.\n\n{describe()}", file=sys.stderr)
        sys.exit(EXIT_USAGE)


if __name__ == "__main__":
    answer_at_once(sys.argv[1:])
