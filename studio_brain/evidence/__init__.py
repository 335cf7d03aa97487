"""The evidence log: what happened, sealed so that somebody who trusts neither this machine nor its owner can check it.

It works on an open database connection that is given to it; files, threads and transactions live in `store`.
"""
