"""Tests of what the project composes, and of the contributor's tools."""
