"""What trained networks get right, and how sure they are; nothing here trains."""
