"""The record of what happened: one append-only SQLite file that every face reads.

`store` keeps events and receipts, `verify` checks them, `lease` lets one process drive a
campaign, `mailbox` carries commands to it. What an event means is the scheduler's.
"""

from autosota.server.ledger.codec import receipt_hash
from autosota.server.ledger.errors import LeaseHeld, LeaseLost, NoLedger
from autosota.server.ledger.lease import Holder, Lease
from autosota.server.ledger.mailbox import Activity, Mailbox, Message
from autosota.server.ledger.store import CampaignRow, Ledger
from autosota.server.ledger.verify import Problem, verify, verify_receipt

__all__ = [
    "Activity",
    "CampaignRow",
    "Holder",
    "Lease",
    "LeaseHeld",
    "LeaseLost",
    "Ledger",
    "Mailbox",
    "Message",
    "NoLedger",
    "Problem",
    "receipt_hash",
    "verify",
    "verify_receipt",
]
