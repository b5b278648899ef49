"""The log of a training: a CSV file, a TensorBoard log, and a plot of the learning curves."""

from __future__ import annotations

import shutil
from pathlib import Path

from facial_emotion.deep.checkpoint import History
from facial_emotion.evaluation.plots import pyplot


def write(history: History, folder: Path) -> None:
    """Write log.csv, curves.png and tensorboard/ anew, so that resumed and uninterrupted trainings leave the same."""
    import pandas as pd

    pd.DataFrame(history).to_csv(folder / "log.csv", index=False)
    _write_tensorboard(history, folder / "tensorboard")
    _plot_curves(history, folder / "curves.png")


def summary(history: History) -> str:
    """The figures of the last epoch as a line of text."""
    last = history[-1]
    best = max(history, key=lambda figures: figures["held_out_accuracy"])
    return (
        f"epoch {last['epoch']}: loss {last['loss']:.3f}, accuracy {last['accuracy']:.1%} on augmented Training;"
        f" PublicTest loss {last['held_out_loss']:.3f}, accuracy {last['held_out_accuracy']:.2%},"
        f" macro-F1 {last['held_out_macro_f1']:.3f} (best {best['held_out_accuracy']:.2%}, epoch {best['epoch']})"
    )


def _write_tensorboard(history: History, folder: Path) -> None:
    try:
        from tensorboardX import SummaryWriter
    except ImportError:  # optional where only training is done
        return
    shutil.rmtree(folder, ignore_errors=True)
    with SummaryWriter(str(folder)) as writer:
        for figures in history:
            for key, value in figures.items():
                if key != "epoch":
                    writer.add_scalar(key, value, figures["epoch"])


def _plot_curves(history: History, path: Path) -> None:
    plt = pyplot()
    epochs = [figures["epoch"] for figures in history]
    figure, (losses, accuracies) = plt.subplots(1, 2, figsize=(9, 3.5), layout="constrained")
    for axes, key, factor in ((losses, "loss", 1), (accuracies, "accuracy", 100)):
        axes.plot(epochs, [factor * figures[key] for figures in history], label="Training, augmented")
        axes.plot(epochs, [factor * figures[f"held_out_{key}"] for figures in history], label="PublicTest")
    accuracies.plot(epochs, [100 * figures["held_out_macro_f1"] for figures in history], label="PublicTest, macro-F1")
    losses.set(xlabel="epoch", ylabel="cross-entropy, nats")
    accuracies.set(xlabel="epoch", ylabel="%")
    for axes in (losses, accuracies):
        axes.grid(alpha=0.3)
        axes.legend()
    figure.savefig(path, dpi=110)
    plt.close(figure)
