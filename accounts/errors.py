"""The base of every refusal of the accounts domain."""


class AccountError(Exception):
    """Something about a person, their keys or their money was refused; the message says why."""
