"""Small experiments on data that PyPI packages ship, for measuring whole searches.

`data` loads, `experiment` trains and scores, `ideas` changes, `plants` handicaps, `loops` and
`campaign` search. Nothing here is downloaded or committed.
"""
