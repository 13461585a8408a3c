"""Claims of a paper, and what the runs say of them."""
