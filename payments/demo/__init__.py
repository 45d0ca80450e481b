"""Makes half a year of people, purchases and trouble for a development database.

The domain's own functions do all of it, with times that lie in the past. Nothing asks Stripe.
"""
