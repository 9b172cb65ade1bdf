"""The picture of a benchmark: bars beside each other, one group a question."""

from pathlib import Path

from tests.bench.report import OFFICIAL, Medians

_PANELS = (
    (("cpu_per_gb_up", "cpu_per_gb_down"), "Processor seconds per GB\n(less is better)"),
    (("throughput_up", "throughput_down"), "Gbit/s\n(more is better)"),
    (("connect_time",), "Seconds to connect\n(less is better)"),
    (("wakeups_per_s",), "Wake-ups per second, idle\n(less is better)"),
)
_COLOURS = ("#3d6fb4", "#7ba2d3", "#9a9a9a", "#c9a227", "#e0c878")


def plot(of: Medians, path: Path) -> None:
    """Draw it."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, panels = plt.subplots(1, len(_PANELS), figsize=(11, 3.4), gridspec_kw={"width_ratios": [2, 2, 1, 1]})
    for panel, (names, title) in zip(panels, _PANELS, strict=True):
        clients = [client for client in of if all(name in of[client] for name in names)]
        width = 0.8 / len(clients)
        for place, client in enumerate(clients):
            xs = [group + place * width for group in range(len(names))]
            bars = panel.bar(
                xs,
                [of[client][name] for name in names],
                width * 0.92,
                label=client,
                color=_COLOURS[list(of).index(client)],
                hatch="//" if client == OFFICIAL else None,
                edgecolor="white",
            )
            panel.bar_label(bars, fmt="%.2g", fontsize=7)
        panel.set_title(title, fontsize=9)
        panel.set_xticks(
            [group + 0.4 - width / 2 for group in range(len(names))], [name.rpartition("_")[2] for name in names]
        )
        if len(names) == 1:
            panel.set_xticks([])
        panel.spines[["top", "right"]].set_visible(False)
    figure.legend(*panels[0].get_legend_handles_labels(), loc="lower center", ncols=5, fontsize=8, frameon=False)
    figure.tight_layout(rect=(0, 0.08, 1, 1))
    figure.savefig(path, dpi=80)
