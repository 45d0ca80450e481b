"""The pages that belong to no app: the home page and the return pages of checkout."""
