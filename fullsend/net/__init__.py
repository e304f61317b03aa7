"""Outgoing HTTP of the command line and the client: every connection under `fullsend/` is opened here.

    answer = Transport().exchange("GET", url, authorization=f"Bearer {token}", seconds=20.0)
    answer = Transport().send("GET", url, authorization=…, retry=RetryPolicy(total_seconds=30.0))
    value = repeat(policy, attempt)      # for what is not one request: `attempt(seconds_left)` → value or Retry

`transport` sends one request within a total time, `retry` repeats, `route` knows the environment's proxies and
authorities, `failures` says why there is no answer, `urls` where a credential may go, `answer` reads JSON.
The callers decide what an answer means.
"""
