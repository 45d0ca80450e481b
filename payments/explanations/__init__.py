"""The answer to "why?": the checks in order, then what happened since, for two audiences."""
