"""`./dev drill`: a production of our own on one machine, and everything that can befall it."""
