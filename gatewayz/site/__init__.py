"""The pages that belong to no app: the front door and the way back from the pay page."""
