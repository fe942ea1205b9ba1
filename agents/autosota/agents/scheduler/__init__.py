"""AgentScheduler: from the ledger's events to the next action, as a pure function.

Paper, section 3.8. `events` are facts that happened, `state` is their fold, `statistics`
weighs them, `decide` chooses what comes next. Executing is the server's business.
"""
