"""How the REST API speaks: JSON, errors and the OpenAPI document; it knows no app."""
