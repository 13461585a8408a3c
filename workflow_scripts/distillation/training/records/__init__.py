"""What a training records beside its progress, one module each, loaded only for the runs that record it."""
