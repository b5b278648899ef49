"""The deep track: Keras networks on crops."""

# One line here makes a network trainable and tunable: its module; recipes/<name>.json has its settings.
NETWORKS = {"cnn": "cnn", "vgg16": "vgg16"}
