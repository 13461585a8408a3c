"""Tables, figures and pages for readers, made from the files of runs."""
