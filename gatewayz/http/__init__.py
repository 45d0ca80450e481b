"""What happens around every request: middleware, health, metrics, logs; it knows no app."""
