"""The Stripe sandbox: a local Stripe over HTTP for the official SDK, a Django app apart."""
