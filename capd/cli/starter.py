"""The files that `capd init` writes: small, commented, and passing `capd check`."""

import json

CONFIG = """\
# capd: what it needs to know of your network. `capd check` reads this and changes nothing.
# Paths are taken from the folder of this file. A secret is a literal, env:NAME or file:PATH.

[operator]
name = "Example Wireless"
timezone = "Europe/London"     # months, notices and reports are in its local time
currency = "GBP"

[store]
url = "sqlite:///capd.db"      # or postgresql://user:password@host/db, or env:NAME

[collect.snmp]
interval_s = 300               # a device may have its own
timeout_s = 2.0
retries = 1
at_once = 500                  # polls under way at a time

# [collect.mqtt]               # for routers that publish their counters
# url = "mqtt://127.0.0.1:1883"
# username = "capd"
# password = "env:CAPD_MQTT_PASSWORD"

[decide]
policy = "policy.toml"
paused = true                  # everything is seen, judged and shown; nothing is pushed.
                               # Look at `capd orders`, then set false or `capd resume --note ..`
most_suspensions = 20          # in any hour; more are held for a person to approve

[enforce]
at_once = 20                   # devices configured at a time
timeout_s = 30

# [notify.email]
# smtp = "smtp://127.0.0.1:25"
# from = "support@example.net"

# [notify.webhook]
# url = "http://127.0.0.1:9000/hook"
# secret = "env:CAPD_WEBHOOK_SECRET"

[api]
listen = "127.0.0.1:8080"      # /metrics, /healthz, /readyz, /api/v1
"""

INVENTORY = {
    "products": [
        {
            "id": "home-100",
            "name": "Home 100",
            "cap": "100GB",
            "counts": "both",
            "down": "30Mbps",
            "up": "5Mbps",
            "price": "25.00",
            "family": "broadband",
            "upgrade_to": "home-300",
        },
        {
            "id": "home-300",
            "name": "Home 300",
            "cap": "300GB",
            "counts": "both",
            "down": "60Mbps",
            "up": "10Mbps",
            "price": "40.00",
            "family": "broadband",
        },
    ],
    "sectors": [{"id": "hill-3", "capacity_down": "150Mbps", "capacity_up": "40Mbps"}],
    "subscribers": [
        {
            "id": "S-1",
            "name": "A. Customer",
            "email": "a@example.net",
            "product": "home-100",
            "cycle_day": 1,
            "sector": "hill-3",
            "address": "1 High Street",
        }
    ],
    "devices": [
        {
            "id": "cpe-1",
            "profile": "linux_router",
            "address": "192.0.2.10",
            "snmp": {"version": "2c", "community": "public", "port": 161},
            "ssh": {"username": "capd", "key_file": "/etc/capd/id_ed25519", "port": 22},
            "settings": {"wan": "wan0", "lan": "lan0"},
            "meters": [{"id": "wan", "subscriber": "S-1", "ifName": "wan0", "down": "in"}],
        }
    ],
}


def inventory_text() -> str:
    """Return the small inventory, as JSON."""
    return json.dumps(INVENTORY, indent=2) + "\n"
