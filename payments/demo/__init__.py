"""A made-up history to look at: months of people, purchases and trouble.

The domain's own functions do all of it, with times that lie in the past. Nothing asks Stripe.
"""
