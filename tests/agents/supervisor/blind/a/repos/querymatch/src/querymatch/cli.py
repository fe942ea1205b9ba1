"""Command line: fit a matcher, then report on it."""
import argparse
import logging
import pickle
from pathlib import Path

from .corpus import load_part
from .matcher import Matcher
from .scoring import f_score

log = logging.getLogger("querymatch")


def cmd_fit(args):
    pairs = load_part("train")
    matcher = Matcher(seed=args.seed, c=args.c)
    matcher.fit(pairs)
    run = Path(args.run)
    run.mkdir(parents=True, exist_ok=True)
    (run / "matcher.pkl").write_bytes(pickle.dumps(matcher))
    log.info("fitted on %d pairs", len(pairs))


def cmd_report(args):
    matcher = pickle.loads((Path(args.run) / "matcher.pkl").read_bytes())
    for part in ("valid", "test"):
        pairs = load_part(part)
        value = f_score([p.same for p in pairs], matcher.predict(pairs))
        print(f"{part} f1 {value:.4f}")


def main():
    logging.basicConfig(level=logging.INFO)
    parser = argparse.ArgumentParser(prog="querymatch")
    sub = parser.add_subparsers(required=True)
    fit = sub.add_parser("fit")
    fit.add_argument("--seed", type=int, default=0)
    fit.add_argument("--c", type=float, default=1.0)
    fit.add_argument("--run", default="runs/a")
    fit.set_defaults(func=cmd_fit)
    report = sub.add_parser("report")
    report.add_argument("--run", default="runs/a")
    report.set_defaults(func=cmd_report)
    args = parser.parse_args()
    args.func(args)


if __name__ == "__main__":
    main()
