"""What happens, told to whoever asked to be told: CloudEvents 1.0 in the store's outbox, and webhooks that carry them."""
