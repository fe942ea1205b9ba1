"""LK: what reaches training, or a choice, from the rows that are tested (R5)."""

from __future__ import annotations

from autosota.agents.domain import Severity
from autosota.agents.rules.rule import Level, Rule

_FILE = (Level.FILE,)
_CROSS = (Level.CROSS_FILE,)
_E, _W, _I = Severity.ERROR, Severity.WARNING, Severity.INFO

RULES = (
    Rule(
        code="LK101",
        name="Preprocessing learned before the split",
        red_line="R5",
        severity=_I,
        levels=_FILE,
        what="""A scaler, encoder or similar transform that learns from data is fitted on all rows,
            and the rows are split into training and test afterwards.""",
        why="""The transform carries statistics of the test rows (a mean, a range) into training.
            For scalers the measured effect is small, an AUC moved by at most 0.005, so this is
            only information. It is still worth the one-line fix: the score no longer says how the
            whole pipeline does on rows it never saw, and the same habit with a transform that
            reads labels (LK102, LK105) is ruinous.""",
        bad="""
            X = StandardScaler().fit_transform(X)
            X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
            model.fit(X_train, y_train)
            print(model.score(X_test, y_test))
            """,
        use_instead="""
            X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
            model = make_pipeline(StandardScaler(), LogisticRegression())
            model.fit(X_train, y_train)
            print(model.score(X_test, y_test))
            """,
        not_when="""Transforms that learn nothing from data (a logarithm, a hash, dividing pixels
            by 255) are not meant. If a published baseline was measured this way, keep it for the
            comparison and say so: changing it changes the protocol for both sides.""",
        references=("leakage26: scalers", "yang22: preprocessing leakage", "kapoor23: L1.2"),
    ),
    Rule(
        code="LK102",
        name="Features selected with test labels",
        red_line="R5",
        severity=_W,
        levels=_FILE,
        what="""A selection of features that reads the labels (`SelectKBest`, `RFE`, a correlation
            with the target) is made on all rows before they are split.""",
        why="""With enough candidate features some correlate with the labels of exactly these test
            rows by chance, and those are the ones that get picked. On pure noise the procedure
            reports an accuracy of 0.76 where the truth is 0.5. Genomics learned this the hard way:
            error rates near zero vanished once the selection was moved inside.""",
        bad="""
            X = SelectKBest(k=25).fit_transform(X, y)
            X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
            print(clf.fit(X_train, y_train).score(X_test, y_test))
            """,
        use_instead="""
            X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
            clf = make_pipeline(SelectKBest(k=25), SVC())
            print(clf.fit(X_train, y_train).score(X_test, y_test))
            """,
        not_when="""Dropping features without looking at labels (identifiers, columns that are
            constant by design) or by knowledge that was there before the data is fine. So is a
            selection on rows that nothing is scored on.""",
        references=("yang22: figure 1", "kapoor23: L1.3", "ambroise02"),
    ),
    Rule(
        code="LK103",
        name="Rows resampled before the split",
        red_line="R5",
        severity=_E,
        levels=_FILE,
        what="""Rows are duplicated or synthesised (SMOTE, random oversampling, sampling with
            replacement) and only then split into training and test.""",
        why="""Copies of one row, or points interpolated between two, end up on both sides: the
            model is tested on what it was trained on. Studies that did this reported near-perfect
            scores that fell to near chance when the resampling was moved after the split. The test
            set also no longer has the class balance of the world.""",
        bad="""
            X, y = SMOTE(random_state=0).fit_resample(X, y)
            X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
            model.fit(X_train, y_train).score(X_test, y_test)
            """,
        use_instead="""
            X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
            X_train, y_train = SMOTE(random_state=0).fit_resample(X_train, y_train)
            model.fit(X_train, y_train).score(X_test, y_test)
            """,
        not_when="""Removing rows (undersampling) before the split duplicates nothing; it changes
            what is tested, which is DS404's business.""",
        references=("vandewiele21", "yang22: overlap leakage"),
    ),
    Rule(
        code="LK104",
        name="Missing values filled from all rows",
        red_line="R5",
        severity=_I,
        levels=_FILE,
        what="""Missing values are replaced by a mean, median or mode of all rows, or bin edges are
            taken from all rows, before the split.""",
        why="""The fill value knows the test rows. With few gaps and many rows the effect is below
            what seeds do, so this is information; with many gaps in a small table it is not.""",
        bad="""
            df["age"] = df["age"].fillna(df["age"].mean())
            train, test = train_test_split(df, random_state=0)
            """,
        use_instead="""
            train, test = train_test_split(df, random_state=0)
            age = train["age"].mean()
            train["age"], test["age"] = train["age"].fillna(age), test["age"].fillna(age)
            """,
        not_when="""A constant that was not computed from the data (`fillna(0)`,
            `fillna("missing")`) or bin edges written down by hand learn nothing.""",
        references=("yang22: fillna and cut", "kapoor23: L1.2"),
    ),
    Rule(
        code="LK105",
        name="Feature made from test labels",
        red_line="R5",
        severity=_E,
        levels=_FILE,
        what="""A feature is computed from the target over all rows, for instance the mean target
            per category, and the rows are split afterwards.""",
        why="""Each test row's own label is part of its feature. A category with a single row gets
            its label as a feature, so the model reads the answer; the rarer the categories, the
            better the reported score and the worse the real one.""",
        bad="""
            df["city_rate"] = df.groupby("city")["y"].transform("mean")
            train, test = train_test_split(df, random_state=0)
            """,
        use_instead="""
            train, test = train_test_split(df, random_state=0)
            rate = train.groupby("city")["y"].mean()
            test["city_rate"] = test["city"].map(rate).fillna(train["y"].mean())
            # for the training rows: out of fold, or TargetEncoder in a pipeline
            """,
        not_when="""Aggregates that leave the label alone (a count per city, the mean of another
            column) are not target encodings. They may still be LK104 or LK101.""",
        references=("micci01", "kapoor23: L1.3 and L2", "kaufman12"),
    ),
    Rule(
        code="LK106",
        name="Vocabulary or projection learned before the split",
        red_line="R5",
        severity=_I,
        levels=_FILE,
        what="""A vocabulary, TF-IDF weights, a PCA or an embedding is learned from all rows, and
            the rows are split afterwards.""",
        why="""Words that only occur in test documents get a column, and components follow the
            directions of the test set. No labels are involved, so the effect is usually small; but
            the score no longer tells how unseen words are dealt with, which is what a user of the
            model will meet.""",
        bad="""
            X = TfidfVectorizer().fit_transform(texts)
            X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
            """,
        use_instead="""
            text_train, text_test, y_train, y_test = train_test_split(texts, y, random_state=0)
            model = make_pipeline(TfidfVectorizer(), LinearSVC()).fit(text_train, y_train)
            """,
        not_when="""Vectorisers without state (`HashingVectorizer`) and tokenisers or embeddings
            that were trained elsewhere are fine. Transductive methods are allowed to see test
            inputs when the paper says so and the baseline does the same.""",
        references=("yang22: tests for TF-IDF, counts and PCA", "kapoor23: L1.2"),
    ),
    Rule(
        code="LK107",
        name="Transform fitted again on the test rows",
        red_line="R5",
        severity=_W,
        levels=_FILE,
        what="""A transform that was fitted on the training rows is fitted a second time on the
            test rows (`fit_transform` where `transform` is meant).""",
        why="""The same raw value now means two different inputs. The score depends on which other
            rows are in the test set, so a single row cannot be predicted at all, and with an
            encoder the columns may silently mean other categories. It can help or hurt.""",
        bad="""
            X_train = scaler.fit_transform(X_train)
            X_test = scaler.fit_transform(X_test)
            """,
        use_instead="""
            X_train = scaler.fit_transform(X_train)
            X_test = scaler.transform(X_test)
            """,
        not_when="""Normalising each image, document or series by its own statistics is a feature
            of the single row and no refit. Test-time adaptation is a method of its own: declare
            it.""",
        references=("sklearn", "dslinter: W5518"),
    ),
    Rule(
        code="LK108",
        name="Preprocessing outside the folds",
        red_line="R5",
        severity=_W,
        levels=_FILE,
        what="""Something is learned from all rows, and the result is cross-validated: every fold's
            test rows took part in the preprocessing.""",
        why="""Cross-validation promises that each fold is unseen. A selection of features made
            outside keeps none of that promise: on random labels it yields scores far above chance
            (see LK102).""",
        bad="""
            X = SelectKBest(k=20).fit_transform(X, y)
            scores = cross_val_score(SVC(), X, y, cv=5)
            """,
        use_instead="""
            model = make_pipeline(SelectKBest(k=20), SVC())
            scores = cross_val_score(model, X, y, cv=5)
            """,
        not_when="""A scaler outside the folds is reported milder than anything that reads labels.
            Preprocessing on a training part that the folds are made from, with the final test
            elsewhere, biases only the choice, not the reported score.""",
        references=("kapoor23: L1.3", "ambroise02", "yang22: pipelines"),
    ),
    Rule(
        code="LK109",
        name="Training on rows that are scored",
        red_line="R5",
        severity=_E,
        levels=_FILE,
        what="""The rows a score is computed on were part of what the model was fitted on, because
            it was fitted before the split, on both parts joined, or on the wrong variable.""",
        why="""A model that remembers its training rows scores perfectly on them, and the score
            says nothing about new ones. This is the leak with the largest effect of all.""",
        bad="""
            model.fit(X, y)
            X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
            print(model.score(X_test, y_test))
            """,
        use_instead="""
            X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
            model.fit(X_train, y_train)
            print(model.score(X_test, y_test))
            final = clone(model).fit(X, y)  # for deployment; never scored
            """,
        not_when="""A last refit on everything, after the score was taken and with no score taken
            from it, is good practice.""",
        references=("yang22: overlap leakage", "kapoor23: L1.1"),
    ),
    Rule(
        code="LK110",
        name="Only the training score is reported",
        red_line="R5",
        severity=_W,
        levels=_FILE,
        what="""A model is fitted and scored on the same rows, and nowhere in the file is there a
            score on rows it has not seen.""",
        why="""A training score measures memory. A deep tree or a nearest neighbour reaches 1.0 on
            random labels.""",
        bad="""
            model.fit(X, y)
            print("accuracy", accuracy_score(y, model.predict(X)))
            """,
        use_instead="""
            model.fit(X_train, y_train)
            print("train", model.score(X_train, y_train), "test", model.score(X_test, y_test))
            """,
        not_when="""A training score beside a test score is useful: their gap shows overfitting.
            Descriptive statistics of a fitted model (R² of a regression that is the result itself)
            make no claim about new rows.""",
        references=("kapoor23: L1.1", "yang22: no test data"),
    ),
    Rule(
        code="LK111",
        name="Early stopping or schedule watches the test set",
        red_line="R5",
        severity=_E,
        levels=_FILE,
        what="""The rows that decide when training stops, or when the learning rate falls, are the
            rows the final score is computed on.""",
        why="""Stopping at the best test score is choosing among as many models as there were
            evaluations and reporting the maximum. The noisier the curve, the larger the gift. In
            metric learning, years of reported progress came with this habit and mostly went away
            without it.""",
        bad="""
            model.fit(X_train, y_train, eval_set=[(X_test, y_test)], early_stopping_rounds=20)
            print(model.score(X_test, y_test))
            """,
        use_instead="""
            model.fit(X_train, y_train, eval_set=[(X_val, y_val)], early_stopping_rounds=20)
            print(model.score(X_test, y_test))
            """,
        not_when="""Watching the test curve without acting on it (a plot, a log) decides nothing.
            If the benchmark's published protocol stops on test, keep it for both sides and say
            so.""",
        references=("musgrave20", "leech24: over-hyping"),
    ),
    Rule(
        code="LK112",
        name="Model or setting chosen by the test score",
        red_line="R5",
        severity=_E,
        levels=_FILE,
        what="""Several models or settings are scored on the test rows, and the best one is kept or
            reported with that score.""",
        why="""The maximum of several noisy scores is above the truth, more so the more were tried:
            of 20 equal models whose scores have a standard deviation of one point, the best shows
            about 1.9 points that are not there. The test set is used up by the choice.""",
        bad="""
            for c in grid:
                score = SVC(C=c).fit(X_train, y_train).score(X_test, y_test)
                if score > best:
                    best, best_c = score, c
            """,
        use_instead="""
            search = GridSearchCV(SVC(), {"C": grid}, cv=5).fit(X_train, y_train)
            print(search.best_params_, search.score(X_test, y_test))
            """,
        not_when="""One model under several metrics, or a table of all models with nothing chosen
            from it, is reporting. A learning curve over training sizes is, too.""",
        references=("yang22: multi-test leakage", "leakage26: class II", "cawley10"),
    ),
    Rule(
        code="LK113",
        name="Checkpoint chosen by the test score",
        red_line="R5",
        severity=_E,
        levels=_FILE,
        what="""Each epoch is scored on the test set, and the weights with the best of these scores
            are saved or reported.""",
        why="""It is LK112 with epochs as candidates: a hundred epochs are a hundred draws, and the
            best draw is reported. The saved file then looks like an honest checkpoint to everyone
            who loads it.""",
        bad="""
            acc = evaluate(model, test_loader)
            if acc > best_acc:
                best_acc = acc
                torch.save(model.state_dict(), "best.pt")
            """,
        use_instead="""
            val = evaluate(model, val_loader)
            if val > best:
                best = val
                torch.save(model.state_dict(), "best.pt")
            # after training, once: evaluate(model, test_loader) with best.pt
            """,
        not_when="""Logging the test score per epoch is not choosing by it. Saving every epoch, or
            the last one, needs no choice.""",
        references=("musgrave20", "leech24: over-hyping"),
    ),
    Rule(
        code="LK114",
        name="Threshold or calibration tuned on test labels",
        red_line="R5",
        severity=_E,
        levels=_FILE,
        what="""A decision threshold, a temperature, a calibration map or the weights of a blend
            are found with the test labels, and the score with them is reported on the same
            rows.""",
        why="""It is a small model fitted on the test set. One threshold on a thousand rows costs
            little, ten blend weights on two hundred cost a lot; in either case the number is not
            what the method reaches with a threshold it would have had to choose beforehand.""",
        bad="""
            precision, recall, t = precision_recall_curve(y_test, prob)
            best = t[np.argmax(2 * precision * recall / (precision + recall))]
            print(f1_score(y_test, prob > best))
            """,
        use_instead="""
            precision, recall, t = precision_recall_curve(y_val, model.predict_proba(X_val)[:, 1])
            best = t[np.argmax(2 * precision * recall / (precision + recall))]
            print(f1_score(y_test, prob > best))
            """,
        not_when="""Curves and areas under them report all thresholds at once, and choose none. A
            metric that is defined as a maximum over thresholds (max-F1 of some benchmarks) is such
            a report when both sides use it.""",
        references=("autosota: R5, calibration", "agentpressure"),
    ),
    Rule(
        code="LK115",
        name="Same entity in training and test",
        red_line="R5",
        severity=_W,
        levels=(Level.FILE, Level.RUNTIME),
        what="""Rows belong to entities (patients, users, recordings), an entity has several rows,
            and a split by rows puts some of them on both sides.""",
        why="""The model recognises the patient instead of the disease. Scores on new patients are
            often tens of points lower. The check needs evidence of repeated entities: a group
            column that the code itself uses as one, or the rows of a run.""",
        bad="""
            visits = df.groupby("patient_id").size()   # several rows per patient
            train, test = train_test_split(df, test_size=0.2, random_state=0)
            """,
        use_instead="""
            split = GroupShuffleSplit(test_size=0.2, random_state=0)
            train, test = next(split.split(df, groups=df["patient_id"]))
            """,
        not_when="""If the model will be used on the same entities later (the next purchase of a
            known customer), sharing them is the task; then split by time instead. One row per
            entity is no group.""",
        references=("kapoor23: L3.2", "roberts17"),
    ),
    Rule(
        code="LK116",
        name="Time series split at random",
        red_line="R5",
        severity=_W,
        levels=_FILE,
        what="""Rows are ordered in time and depend on their predecessors (lags, rolling means),
            and a shuffled split draws test rows from the middle of the training period.""",
        why="""A test row's neighbours an hour earlier and later are training rows: predicting it
            is interpolation. The model will only ever be used to extrapolate, where it is
            worse.""",
        bad="""
            df = df.sort_values("date")
            df["lag1"] = df["load"].shift(1)
            train, test = train_test_split(df, random_state=0)
            """,
        use_instead="""
            df = df.sort_values("date")
            df["lag1"] = df["load"].shift(1)
            train, test = train_test_split(df, shuffle=False)   # or TimeSeriesSplit
            """,
        not_when="""A date that is only a label of independent rows (when a photo was taken) makes
            no series. Imputing gaps in the past is interpolation by intent.""",
        references=("kapoor23: L3.1", "roberts17"),
    ),
    Rule(
        code="LK117",
        name="Feature looks into the future",
        red_line="R5",
        severity=_W,
        levels=_FILE,
        what="""An input of the model is made from a later row: `shift(-1)`, a centred rolling
            window, a backward fill.""",
        why="""At the time of the prediction that value does not exist yet. A model with tomorrow's
            price among its inputs is excellent until the first day it is used.""",
        bad="""
            df["next"] = df["close"].shift(-1)
            X, y = df[["close", "next"]], df["target"]
            """,
        use_instead="""
            df["target"] = df["close"].shift(-1)
            X, y = df[["close"]], df["target"]
            """,
        not_when="""A shift that makes the label is right, and needs the future. Offline tasks
            (denoising, labelling a finished recording) may look both ways.""",
        references=("kapoor23: L3.1 and L2", "kaufman12"),
    ),
    Rule(
        code="LK118",
        name="Label left among the features",
        red_line="R5",
        severity=_E,
        levels=_FILE,
        what="""The target column is taken from a table, and the features are the same table
            without dropping it.""",
        why="""The model copies the column; the score is perfect, and there is no model. It is easy
            to miss when the drop list was written for another target.""",
        bad="""
            y = df["label"]
            X = df.drop(columns=["id"])
            model.fit(X, y)
            """,
        use_instead="""
            y = df["label"]
            X = df.drop(columns=["id", "label"])
            model.fit(X, y)
            """,
        not_when="""`df.pop("label")` removes the column. In autoregression earlier values of the
            target are features by design.""",
        references=("kapoor23: L2", "kaufman12"),
    ),
    Rule(
        code="LK119",
        name="Copies or augmented twins across splits",
        red_line="R5",
        severity=_W,
        levels=(Level.FILE, Level.RUNTIME),
        what="""Rows are copied or augmented (flips, crops, paraphrases) before the split, or a
            run's splits hold the same rows.""",
        why="""A mirrored training image in the test set is nearly a training image. Even a
            benchmark made with care holds such twins: 3.3 % of the CIFAR-10 and 10 % of the
            CIFAR-100 test images have a near-duplicate among the training images.""",
        bad="""
            data = data + [hflip(image) for image in data]
            train, test = random_split(data, [8000, 2000])
            """,
        use_instead="""
            train, test = random_split(data, [4000, 1000])
            train = Augmented(train, hflip)
            """,
        not_when="""Augmenting on the fly after the split, or the test rows for themselves
            (test-time augmentation), makes no twins. In data with few possible rows, equal rows
            happen by chance.""",
        references=("barz20", "kapoor23: L1.4", "leech24: split twins"),
    ),
    Rule(
        code="LK120",
        name="Test split loaded for training",
        red_line="R5",
        severity=_E,
        levels=_CROSS,
        what="""What is trained on was loaded from the test split: `split="train+test"`, a path
            that says test, a test loader handed to the training loop.""",
        why="""Whatever is scored on that split afterwards is a training score. In agents under
            pressure this was one of the two dominant ways to a better number.""",
        bad="""
            train = load_dataset("glue", "sst2", split="train+test")
            Trainer(model, train_dataset=train).train()
            """,
        use_instead="""
            train = load_dataset("glue", "sst2", split="train")
            test = load_dataset("glue", "sst2", split="test")
            """,
        not_when="""A final model trained on everything that is released and never scored is fine.
            Training on the validation split is common for a last submission; say so.""",
        references=("autosota: R5", "rewardhacking", "agentpressure"),
    ),
    Rule(
        code="LK121",
        name="Test items in prompts or the retrieval index",
        red_line="R5",
        severity=_E,
        levels=_CROSS,
        what="""Few-shot examples, or the documents a retriever searches, are drawn from the test
            set that is then answered.""",
        why="""A shot can be the question itself with its answer, and an index of solved test items
            answers each of them by looking it up.""",
        bad="""
            shots = random.sample(test_set, 4)
            prompt = render(shots) + question
            """,
        use_instead="""
            shots = random.sample(train_set, 4)
            prompt = render(shots) + question   # the question itself comes from the test set
            """,
        not_when="""The question being answered is a test item, of course. Retrieval over the
            public corpus that the benchmark provides is the task.""",
        references=("leech24: prompt and retrieval contamination",),
    ),
    Rule(
        code="LK122",
        name="Best score of a search reported as the result",
        red_line="R5",
        severity=_W,
        levels=_FILE,
        what="""`best_score_` of a grid or random search is reported as the accuracy of the method,
            and no score on other rows is.""",
        why="""It is the maximum over all settings that were tried, on the folds that chose it.
            With small data the optimism is as large as the difference between methods. Nested
            cross-validation, or a test set kept apart, gives the honest figure.""",
        bad="""
            search = GridSearchCV(SVC(), grid).fit(X, y)
            print("final accuracy", search.best_score_)
            """,
        use_instead="""
            search = GridSearchCV(SVC(), grid).fit(X_train, y_train)
            print("cv", search.best_score_, "test", search.score(X_test, y_test))
            """,
        not_when="""Printing it beside a test score, or to watch a search, is fine.""",
        references=("cawley10", "varma06", "kapoor23: L1.1"),
    ),
)
"""The rules of the family."""
