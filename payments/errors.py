"""The base of every refusal of the payments domain."""


class PaymentError(Exception):
    """Something about a purchase, an event or Stripe was refused; the message says why."""
