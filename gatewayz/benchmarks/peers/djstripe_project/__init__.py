"""A Django project of its own that has dj-stripe receive the events, with dj-stripe's defaults.

dj-stripe needs an older Stripe SDK than ours, so both are installed in a folder of their own
(`requirements.txt`) that only this project's processes see.
"""

from uuid import UUID

ENDPOINT = UUID(int=1)
