"""What names of the machine-learning libraries mean, for the flow of data through one file.

Tables only. Sources: the libraries' documentation; which transforms learn from rows follows Yang
et al., "Data Leakage in Notebooks" (ASE 2022), without those that only list categories.
"""

from __future__ import annotations

from functools import lru_cache

LIBRARIES = frozenset(
    [
        "sklearn",
        "numpy",
        "pandas",
        "scipy",
        "xgboost",
        "lightgbm",
        "catboost",
        "keras",
        "tensorflow",
        "torch",
        "torchvision",
        "torchtext",
        "imblearn",
        "datasets",
        "transformers",
        "statsmodels",
        "mlxtend",
        "category_encoders",
        "feature_engine",
        "nltk",
        "gensim",
        "fastai",
        "polars",
        "cudf",
        "cuml",
        "dask",
        "seaborn",
        "jax",
        "tensorflow_datasets",
        "evaluate",
        "boruta",
        "sklearn_pandas",
        "patsy",
        "pytorch_lightning",
        "lightning",
        "skopt",
        "hyperopt",
        "optuna",
        "umap",
        "bayes_opt",
        "lightfm",
        "surprise",
        "rgf",
        "vecstack",
        "tpot",
        "pycaret",
        "autosklearn",
        "h2o",
        "ignite",
        "skorch",
        "openml",
        "cv2",
        "skimage",
        "torch_geometric",
        "dgl",
        "tf_keras",
        "tensorflow_addons",
        "hpsklearn",
        "eli5",
        "yellowbrick",
        "scikitplot",
        "smote_variants",
        "prince",
        "kmodes",
    ]
)
"""First parts of dotted names that are libraries whose calls are understood."""

SCALERS = frozenset(
    [
        "StandardScaler",
        "MinMaxScaler",
        "RobustScaler",
        "MaxAbsScaler",
        "PowerTransformer",
        "QuantileTransformer",
        "SplineTransformer",
        "KernelCenterer",
        "RobustStandardScaler",
        "Standardizer",
        "VarianceThreshold",
        "CenteredScaler",
    ]
)
IMPUTERS = frozenset(
    [
        "SimpleImputer",
        "Imputer",
        "IterativeImputer",
        "KNNImputer",
        "MissForest",
        "MeanMedianImputer",
        "RandomSampleImputer",
        "EndTailImputer",
        "CategoricalImputer",
        "KBinsDiscretizer",
        "EqualFrequencyDiscretiser",
        "EqualWidthDiscretiser",
    ]
)
SELECTORS = frozenset(
    [
        "SelectKBest",
        "SelectPercentile",
        "SelectFpr",
        "SelectFdr",
        "SelectFwe",
        "SelectFromModel",
        "GenericUnivariateSelect",
        "SequentialFeatureSelector",
        "RFE",
        "RFECV",
        "BorutaPy",
        "ExhaustiveFeatureSelector",
        "NeighborhoodComponentsAnalysis",
    ]
)
VOCABULARIES = frozenset(
    [
        "CountVectorizer",
        "TfidfVectorizer",
        "TfidfTransformer",
        "Tokenizer",
        "PCA",
        "IncrementalPCA",
        "KernelPCA",
        "SparsePCA",
        "MiniBatchSparsePCA",
        "TruncatedSVD",
        "NMF",
        "LatentDirichletAllocation",
        "FastICA",
        "FactorAnalysis",
        "DictionaryLearning",
        "MiniBatchDictionaryLearning",
        "TSNE",
        "UMAP",
        "Isomap",
        "LocallyLinearEmbedding",
        "SpectralEmbedding",
        "MDS",
        "Word2Vec",
        "Doc2Vec",
        "FastText",
        "TextVectorization",
        "Normalization",
        "FAMD",
        "MCA",
        "StringLookup",
        "IntegerLookup",
        "DictVectorizer",
        "RandomTreesEmbedding",
        "BernoulliRBM",
    ]
)
CLUSTERS = frozenset(
    [
        "KMeans",
        "MiniBatchKMeans",
        "DBSCAN",
        "AffinityPropagation",
        "AgglomerativeClustering",
        "Birch",
        "FeatureAgglomeration",
        "MeanShift",
        "OPTICS",
        "SpectralClustering",
        "GaussianMixture",
        "BayesianGaussianMixture",
        "IsolationForest",
        "LocalOutlierFactor",
        "EllipticEnvelope",
    ]
)
TARGET_ENCODERS = frozenset(
    [
        "TargetEncoder",
        "LeaveOneOutEncoder",
        "CatBoostEncoder",
        "JamesSteinEncoder",
        "MEstimateEncoder",
        "WOEEncoder",
        "GLMMEncoder",
        "MeanEncoder",
        "WoEEncoder",
    ]
)
LEARNERS = SCALERS | IMPUTERS | SELECTORS | VOCABULARIES | TARGET_ENCODERS
"""Transforms that learn something of the rows they are fitted on."""

PLAIN = frozenset(
    [
        "LabelEncoder",
        "OneHotEncoder",
        "OrdinalEncoder",
        "LabelBinarizer",
        "MultiLabelBinarizer",
        "FunctionTransformer",
        "Normalizer",
        "Binarizer",
        "PolynomialFeatures",
        "HashingVectorizer",
        "FeatureHasher",
        "CountEncoder",
        "BinaryEncoder",
        "HashingEncoder",
        "OneHotCategoricalEncoder",
        "AdditiveChi2Sampler",
        "MissingIndicator",
        "DataFrameSelector",
        "BackwardDifferenceEncoder",
    ]
)
"""Transforms that learn at most which categories there are, or nothing."""

PIPES = frozenset(
    [
        "Pipeline",
        "ColumnTransformer",
        "FeatureUnion",
        "DataFrameMapper",
        "make_pipeline",
        "make_union",
        "make_column_transformer",
    ]
)
SEARCHES = frozenset(
    [
        "GridSearchCV",
        "RandomizedSearchCV",
        "HalvingGridSearchCV",
        "HalvingRandomSearchCV",
        "BayesSearchCV",
        "EvolutionaryAlgorithmSearchCV",
        "OptunaSearchCV",
        "TPOTClassifier",
        "TPOTRegressor",
    ]
)
OVERSAMPLERS = frozenset(
    [
        "RandomOverSampler",
        "SMOTE",
        "SMOTENC",
        "SMOTEN",
        "ADASYN",
        "BorderlineSMOTE",
        "KMeansSMOTE",
        "SVMSMOTE",
        "SMOTEENN",
        "SMOTETomek",
        "ROSE",
    ]
)
UNDERSAMPLERS = frozenset(
    [
        "RandomUnderSampler",
        "NearMiss",
        "TomekLinks",
        "ClusterCentroids",
        "CondensedNearestNeighbour",
        "EditedNearestNeighbours",
        "RepeatedEditedNearestNeighbours",
        "AllKNN",
        "OneSidedSelection",
        "NeighbourhoodCleaningRule",
        "InstanceHardnessThreshold",
    ]
)
FOLDS = frozenset(
    [
        "KFold",
        "StratifiedKFold",
        "GroupKFold",
        "RepeatedKFold",
        "RepeatedStratifiedKFold",
        "ShuffleSplit",
        "StratifiedShuffleSplit",
        "GroupShuffleSplit",
        "TimeSeriesSplit",
        "LeaveOneOut",
        "LeavePOut",
        "LeaveOneGroupOut",
        "PredefinedSplit",
        "StratifiedGroupKFold",
        "BlockingTimeSeriesSplit",
    ]
)
READERS = frozenset(
    [
        "read_csv",
        "read_table",
        "read_excel",
        "read_json",
        "read_parquet",
        "read_pickle",
        "read_feather",
        "read_hdf",
        "read_sql",
        "read_sql_query",
        "read_sql_table",
        "read_html",
        "read_fwf",
        "read_sas",
        "read_stata",
        "read_spss",
        "read_clipboard",
        "scan_csv",
        "loadtxt",
        "genfromtxt",
        "load",
        "fromfile",
        "loadmat",
        "fetch_openml",
        "make_classification",
        "make_regression",
        "make_blobs",
        "make_moons",
        "make_circles",
        "load_dataset",
        "load_iris",
        "load_digits",
        "load_wine",
        "load_breast_cancer",
        "load_diabetes",
        "load_boston",
        "load_files",
        "load_svmlight_file",
        "fetch_20newsgroups",
        "fetch_california_housing",
        "fetch_olivetti_faces",
        "fetch_lfw_people",
        "fetch_covtype",
        "fetch_mldata",
        "load_data",
        "load_from_disk",
        "imread",
        "image_dataset_from_directory",
        "ImageFolder",
        "TensorDataset",
        "from_tensor_slices",
    ]
)
CROSS_VALIDATION = frozenset(["cross_val_score", "cross_validate", "cross_val_predict"])
CURVES = frozenset(["learning_curve", "validation_curve", "permutation_test_score"])

METRICS = frozenset(
    [
        "accuracy_score",
        "average_precision_score",
        "balanced_accuracy_score",
        "brier_score_loss",
        "classification_report",
        "cohen_kappa_score",
        "confusion_matrix",
        "dcg_score",
        "f1_score",
        "fbeta_score",
        "hamming_loss",
        "hinge_loss",
        "jaccard_score",
        "log_loss",
        "matthews_corrcoef",
        "multilabel_confusion_matrix",
        "ndcg_score",
        "precision_recall_curve",
        "precision_recall_fscore_support",
        "precision_score",
        "recall_score",
        "roc_auc_score",
        "roc_curve",
        "top_k_accuracy_score",
        "zero_one_loss",
        "explained_variance_score",
        "max_error",
        "mean_absolute_error",
        "mean_squared_error",
        "mean_squared_log_error",
        "median_absolute_error",
        "mean_absolute_percentage_error",
        "r2_score",
        "mean_poisson_deviance",
        "mean_gamma_deviance",
        "mean_tweedie_deviance",
        "d2_tweedie_score",
        "mean_pinball_loss",
        "root_mean_squared_error",
        "root_mean_squared_log_error",
        "jaccard_similarity_score",
        "det_curve",
        "class_likelihood_ratios",
        "ConfusionMatrixDisplay.from_predictions",
        "RocCurveDisplay.from_predictions",
        "from_predictions",
        "plot_confusion_matrix_from",
        "plot_roc",
        "binary_accuracy",
        "categorical_accuracy",
    ]
)
"""Metrics of (true, predicted)."""
PLOTTED = frozenset(
    [
        "plot_confusion_matrix",
        "plot_roc_curve",
        "plot_precision_recall_curve",
        "plot_det_curve",
        "from_estimator",
    ]
)
"""Metrics of (estimator, features, labels)."""
CURVE_METRICS = frozenset(["precision_recall_curve", "roc_curve", "det_curve"])

PREDICTS = frozenset(
    [
        "predict",
        "predict_proba",
        "predict_log_proba",
        "decision_function",
        "predict_classes",
        "predict_generator",
        "predict_on_batch",
        "staged_predict",
        "forward",
    ]
)
SCORES = frozenset(["score", "evaluate", "evaluate_generator", "test_on_batch"])
FITS = frozenset(
    ["fit", "fit_generator", "partial_fit", "train_on_batch", "fit_one_cycle", "fit_predict"]
)
KEEPS_TRAINING = ("keras", "tensorflow", "torch", "tf_keras", "fastai")
"""Libraries whose `fit` goes on from where the model stands."""

STATISTICS = frozenset(
    [
        "mean",
        "median",
        "mode",
        "std",
        "var",
        "quantile",
        "min",
        "max",
        "sum",
        "skew",
        "kurtosis",
        "kurt",
        "sem",
        "mad",
        "prod",
        "ptp",
        "nanmean",
        "nanmedian",
        "nanstd",
        "nanvar",
        "nanmin",
        "nanmax",
        "nanpercentile",
        "nanquantile",
        "percentile",
        "average",
        "amax",
        "amin",
    ]
)
"""Reductions over rows whose result is a number learned from them."""
NUMBERS = frozenset(
    [
        "count",
        "nunique",
        "unique",
        "value_counts",
        "corr",
        "cov",
        "describe",
        "info",
        "memory_usage",
        "corrwith",
        "cat",
        "isna_any",
        "any",
        "all",
        "argmax",
        "argmin",
        "idxmax",
        "idxmin",
        "tolist",
        "nbytes",
        "item",
        "keys",
        "get_group",
    ]
)
"""Methods whose result holds no rows and no statistic that is usually put back into data."""
FACTS = frozenset(
    [
        "shape",
        "columns",
        "dtypes",
        "dtype",
        "index",
        "ndim",
        "size",
        "name",
        "names",
        "feature_names",
        "target_names",
        "classes_",
        "feature_importances_",
        "coef_",
        "n_features_in_",
        "categories_",
        "vocabulary_",
        "word_index",
        "history",
        "params",
        "best_params_",
        "best_estimator_",
        "cv_results_",
        "best_index_",
        "named_steps",
        "components_",
        "explained_variance_ratio_",
        "support_",
        "ranking_",
        "scores_",
        "pvalues_",
        "intercept_",
        "summary",
        "layers",
        "n_components_",
        "inertia_",
        "cluster_centers_",
        "labels_",
        "device",
    ]
)
"""Attributes that hold no rows."""

FEWER_ROWS = frozenset(
    [
        "dropna",
        "drop_duplicates",
        "query",
        "head",
        "tail",
        "nlargest",
        "nsmallest",
        "truncate",
        "between_time",
        "at_time",
        "sample",
        "filter",
        "compress",
        "unique",
        "pivot",
        "pivot_table",
        "resample",
        "stack",
        "unstack",
        "melt",
        "groupby",
        "explode",
        "agg",
        "aggregate",
        "merge",
        "join",
    ]
)
"""Methods that give other rows than they were called on."""

STATELESS_TRANSFORMS = frozenset(["normalize", "binarize", "add_dummy_feature", "label_binarize"])
LEARNING_FUNCTIONS = frozenset(
    [
        "scale",
        "minmax_scale",
        "maxabs_scale",
        "robust_scale",
        "quantile_transform",
        "power_transform",
        "zscore",
        "boxcox",
        "boxcox1p_fit",
        "yeojohnson",
    ]
)
"""Functions that transform rows by what they learn from these same rows."""
BINNING = frozenset(["qcut", "cut"])


@lru_cache(maxsize=4096)
def family(kind: str) -> str:
    """What kind of object a class makes.

    `learn` for a transform that learns, `plain`, `pipe`, `search`, `over`, `under`, `folds`,
    `cluster`, or `model` for any other class of a library; `''` for what is none of these.
    """
    top, _, _ = kind.partition(".")
    if top not in LIBRARIES:
        return ""
    last = kind.rsplit(".", 1)[-1]
    for name, words in _FAMILIES:
        if last in words:
            if last == "Tokenizer" and top not in ("keras", "tensorflow", "tf_keras"):
                return "plain"
            if last == "Normalization" and "layers" not in kind:
                return "plain"
            return name
    return "model" if last[:1].isupper() else ""


_FAMILIES = (
    ("learn", LEARNERS),
    ("plain", PLAIN),
    ("pipe", PIPES),
    ("search", SEARCHES),
    ("over", OVERSAMPLERS),
    ("under", UNDERSAMPLERS),
    ("folds", FOLDS),
    ("cluster", CLUSTERS),
)
