"""External inputs, from URLs of the jobs' creators."""
