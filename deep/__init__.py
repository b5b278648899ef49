"""The deep track: Keras networks on crops."""

# Networks that can be trained and tuned, and the module of each; recipes/<name>.json has the default recipe.
NETWORKS = {"cnn": "cnn", "vgg16": "vgg16", "dlib-resnet": "dlib_resnet"}
