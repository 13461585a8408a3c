"""Networks, the terms of their losses, and their computational cost."""
