"""What trainings cost before they are run: time and memory of their jobs, operations and hours in words."""
