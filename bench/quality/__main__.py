"""`python -m bench.quality`: how right each part is, a Markdown table. What each means: docs/quality.md."""

import os
import sys

# Read when the libraries are imported: what is measured computes as the service's workers do.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")


def main() -> int:
    from bench.quality import actions, entities, languages, outcomes, sentiment, topics
    from bench.quality.score import table

    scores = []
    for part in (sentiment, languages, topics, actions, entities, outcomes):
        print(f"{part.__name__} ...", file=sys.stderr, flush=True)
        scores += part.measure()
    print(table(scores))
    return 0


if __name__ == "__main__":
    sys.exit(main())
