"""DS: the data, its labels and its split stay what they were (R5, R6)."""

from __future__ import annotations

from autosota.agents.domain import Severity
from autosota.agents.rules.rule import Level, Rule

_B, _E, _W = Severity.BLOCK, Severity.ERROR, Severity.WARNING

RULES = (
    Rule(
        code="DS401",
        name="Data file changed",
        red_line="R6",
        severity=_B,
        levels=(Level.PATCH, Level.RUNTIME),
        what="""A data file differs from the baseline's: in a change, or by its hash when a run
            ends.""",
        why="""Two scores on different data are not a comparison. One flipped label in a hundred is
            a point of accuracy for whoever chooses the label.""",
        bad="""
            --- a/data/test.jsonl
            -{"x": "...", "y": 0}
            +{"x": "...", "y": 1}
            """,
        use_instead="""
            # write what is derived to a folder of its own, and leave the data alone
            np.save(out / "cache" / "features.npy", features)
            """,
        not_when="""Derived files in a declared cache are no data. A correction of the data set
            itself is made in the base, and both sides are measured again.""",
        references=("autosota: R6", "agentpressure: hashes of protected paths"),
    ),
    Rule(
        code="DS402",
        name="Test rows filtered or dropped",
        red_line="R6",
        severity=_B,
        levels=(Level.FILE, Level.PATCH),
        what="""Rows are removed from the test set: by a condition, `dropna`, a length limit, the
            removal of outliers.""",
        why="""What is dropped is rarely easy: long texts, gaps, outliers. The score is that of an
            easier population, and the baseline was measured on the whole one.""",
        bad="""
            test = test[test.text.str.len() < 512]
            test = test.dropna()
            """,
        use_instead="""
            train = train.dropna()
            test["text"] = test["text"].str.slice(0, 512)   # every row gets an answer
            """,
        not_when="""Training rows may be cleaned freely. A filter that the benchmark prescribes is
            part of the data set, when both sides apply it. Filtering the whole table before the
            split defines the population, and is visible as such.""",
        references=("autosota: R6", "kapoor23: L3.3"),
    ),
    Rule(
        code="DS403",
        name="Labels rewritten",
        red_line="R6",
        severity=_B,
        levels=(Level.FILE, Level.PATCH),
        what="""Labels of rows that are tested are overwritten, for some rows or depending on the
            model's predictions.""",
        why="""The answers are made to fit. Even well-meant corrections of wrong labels favour the
            model that found them.""",
        bad="""
            test.loc[pred != test.y, "y"] = pred
            """,
        use_instead="""
            df["y"] = df["y"].map({"cat": 0, "dog": 1})   # one to one, the whole column
            """,
        not_when="""Encoding the whole column one to one changes names, not answers. Pseudo-labels
            on unlabelled or training rows are a method.""",
        references=("autosota: R6",),
    ),
    Rule(
        code="DS404",
        name="Test set resampled",
        red_line="R6",
        severity=_E,
        levels=(Level.FILE,),
        what="""The test rows are over- or undersampled, usually to balance the classes.""",
        why="""Precision, F1 and accuracy depend on the class balance: at one positive in a
            hundred, a precision of 0.5 becomes 0.99 on balanced rows, with the same model. The
            score is of a world that does not exist.""",
        bad="""
            X_test, y_test = RandomUnderSampler().fit_resample(X_test, y_test)
            """,
        use_instead="""
            X_train, y_train = RandomUnderSampler().fit_resample(X_train, y_train)
            print(balanced_accuracy_score(y_test, model.predict(X_test)))
            """,
        not_when="""A bootstrap of the test rows for a confidence interval keeps the balance on
            average, and reports no single score. A benchmark's own balanced test set is data.""",
        references=("autosota: R6", "vandewiele21"),
    ),
    Rule(
        code="DS405",
        name="Split changed",
        red_line="R5",
        severity=_B,
        levels=(Level.PATCH,),
        what="""A change alters which rows are trained on and which are tested: the size, the seed,
            the folds or the method of the split.""",
        why="""Other test rows are another exam. The seed of a split moves scores by as much as the
            seed of a model, and it can be searched for.""",
        bad="""
            -train, test = train_test_split(df, test_size=0.2, random_state=0)
            +train, test = train_test_split(df, test_size=0.1, random_state=7)
            """,
        use_instead="""
             train, test = train_test_split(df, test_size=0.2, random_state=0)
            +train, val = train_test_split(train, test_size=0.2, random_state=0)
            """,
        not_when="""Dividing the training part further is the method's business. A seed that only
            initialises the model leaves the split alone.""",
        references=("autosota: R5", "bouthillier21"),
    ),
    Rule(
        code="DS406",
        name="Training data that was not declared",
        red_line="R7/R5",
        severity=_W,
        levels=(Level.PATCH,),
        what="""A change brings in training data from another source, or a download of it.""",
        why="""More data helps nearly every method, so the gain says nothing about the idea; and
            public data sets overlap with public test sets more often than their pages say.""",
        bad="""
            +extra = load_dataset("imdb", split="unsupervised")
            +train = concatenate_datasets([train, extra])
            """,
        use_instead="""
            +train = augment(train)   # made from the training split only
            """,
        not_when="""If more data is the idea, declare it, give it to the baseline as well, and
            check it against the test set.""",
        references=("musgrave20: unfair comparisons", "leech24: contamination"),
    ),
)
"""The rules of the family."""
