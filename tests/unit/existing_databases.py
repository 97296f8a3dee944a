"""Existing databases for the tests: servers that the program does not manage."""

from components.source.certificate import issue

AUTHORITY = issue(["localhost", "127.0.0.1"], days=1)["ca_certificate"]

# Entries of datapipe:sources.
SHOP = {
    "host": "shop.example.com",
    "database": "shop",
    "password": "of-the-shop",
    "caCertificate": AUTHORITY,
    "networks": ["10.20.0.0/24"],
    "tables": {"public.users": {}, "sales.orders": {"partitions": 12}},
}
CRM = {
    "host": "10.30.0.7",
    "port": 6432,
    "database": "crm",
    "password": "of-the-crm",
    "sslMode": "require",
    "tables": {"public.users": {}},
}
