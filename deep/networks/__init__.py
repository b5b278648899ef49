"""The networks: each file here is one that can be trained and tuned; recipes/ has its default recipe."""

# What a file has: two functions, the licence for the cards, and the search space of ``tune`` beside what all have.
NEEDED = ("build", "init_weights", "LICENCE", "SPACE")
