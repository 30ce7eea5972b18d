"""Sends webhooks: from the feed into a queue, from the queue to the receivers."""
