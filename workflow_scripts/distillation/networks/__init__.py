"""Networks, the terms of their losses, and what they cost to compute."""
