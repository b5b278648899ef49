"""The deep track: Keras networks on crops."""

# Networks that can be trained and tuned, and the module of each; recipes/<name>.json has the default recipe.
NETWORKS = {"cnn": "cnn", "vgg16": "vgg16", "dlib-resnet": "dlib_resnet"}
# What such a module has: two functions, the licence for the cards, and the search space of ``tune`` beside tune.COMMON.
NEEDED = ("build", "init_weights", "LICENCE", "SPACE")
