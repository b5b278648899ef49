"""The deep track: Keras networks on crops."""
