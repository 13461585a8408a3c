"""What happens to training images beyond crop and flip, one module per method, loaded by name."""
