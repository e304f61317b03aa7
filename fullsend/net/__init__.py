"""Send HTTP for the command line and the client: only this package opens connections in `fullsend/`.

    answer = Transport().exchange("GET", url, authorization=f"Bearer {token}", seconds=20.0)
    answer = Transport().send("GET", url, authorization=…, retry=RetryPolicy(total_seconds=30.0))
    value = repeat(policy, attempt)      # for what is not one request: `attempt(seconds_left)` → value or Retry

`transport` sends one request within a total time. `retry` repeats it. `route` reads the environment's proxies and
authorities. `failures` explains a missing answer. `urls` checks where a credential may go. `answer` reads JSON. The
callers interpret the answer.
"""
