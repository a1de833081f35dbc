LIMITS = {"rows": 10}
LIMIT = LIMITS["row"]
