"""The classical models: each file here is one that can be trained and tuned; recipes/ has its default recipe."""

# What a file has: a function, the search space of ``tune``, and the labels that its heads may answer with.
NEEDED = ("fit", "SPACE", "HEADS")
