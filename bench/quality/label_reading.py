"""`python -m bench.quality.label_reading`: what a reader of topic labels is asked, as tab-separated lines.

A line a discovered topic of either half of the real chats: its three most typical windows, as in
`data/topic_labels.tsv`, its label, its keywords, and the windows' texts. Nobody's verdict is among them. A
reader adds the words that are accepted in a label, having read the texts.
"""

import sys
from collections.abc import Iterator

import numpy as np

from bench.quality.topics import real_chats
from enrich.topics.model import Documents, fit
from enrich.topics.windows import Window

WINDOWS = 3  # of a topic, each of another chat


def main() -> int:
    print("# half", "windows", "label", "keywords", *(f"text {n + 1}" for n in range(WINDOWS)), sep="\t")
    for half in ("seen", "unseen"):
        for line in asked(half, real_chats(unseen=half == "unseen").documents):
            print(line)
    return 0


def asked(half: str, documents: Documents) -> Iterator[str]:
    """A line a topic that is discovered in the documents."""
    model = fit("creator", documents)
    near = np.where(model.matches(documents.vectors), model.similarity(documents.vectors), -1.0)
    for place, topic in enumerate(model.topics):
        if topic.category is not None:
            continue
        typical: dict[str, Window] = {}  # by chat
        for row in np.argsort(-near[:, place], kind="stable").tolist():
            if near[row, place] < 0 or len(typical) == WINDOWS:
                break
            typical.setdefault(documents.windows[row].chat_id, documents.windows[row])
        places = " ".join(f"{each.chat_id}@{each.rows.start}" for each in typical.values())
        texts = (" ".join(each.text.split()) for each in typical.values())
        yield "\t".join((half, places, topic.label, ", ".join(topic.keywords), *texts))


if __name__ == "__main__":
    sys.exit(main())
