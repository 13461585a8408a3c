"""Additional records of a training, one module each, loaded only for the runs that need them."""
