"""What people read of a campaign: the HTML report, plain lines, memory files and the export.

`numbers` is the only place where receipts become shown numbers. How a campaign is driven,
and where receipts are stored, is not known here.
"""
