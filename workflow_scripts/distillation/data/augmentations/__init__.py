"""Random changes to training images, one component each, chosen by the name of their key in the settings.

The folder of one that changes single images has in its `__init__.py` `Setting`, the type of its key in
`augmentation`, with its description; `OFF`, the value that leaves it out; `ON`, which is "levels" if it
changes uint8 images before they are scaled, and "view" if it changes the scaled and normalised view;
`STREAMS`, the numbers of the random streams that it draws from, which no component has that can be used
beside it; and `words(own)`, its value in the page of switches. Its `compute.py` has
`augment(images, own, generators) -> Tensor`, with a CPU generator for each of its streams.

`mixing` changes batches and has a key of its own in a recipe.
"""
