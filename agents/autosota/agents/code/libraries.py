"""What calls into well-known libraries mean, by their dotted names.

Only what the symbolic execution and the auditors need: which calls load data, split it, keep a
value as it is, change their receiver, predict, measure. A name that is not here is treated as
a function of its arguments that nobody knows more of.
"""

from __future__ import annotations

import re

LOADERS = re.compile(
    r"^(pandas|polars|dask\.dataframe|cudf|modin\.pandas)\.(read_|scan_)"
    r"|^numpy\.(load|loadtxt|genfromtxt|fromfile|memmap)$"
    r"|^sklearn\.datasets\.|^torchvision\.datasets\.|^torchaudio\.datasets\.|^torchtext\.datasets"
    r"|^datasets\.load_|^tensorflow_datasets\.|datasets\.\w+\.load_data$"
    r"|^(json|pickle|dill|joblib|torch|cPickle)\.loads?$|^joblib\.load$"
    r"|^(h5py\.File|scipy\.io\.loadmat|open|io\.open|gzip\.open|bz2\.open|PIL\.Image\.open)$"
    r"|^csv\.(reader|DictReader)$|^cv2\.imread$|^(glob\.i?glob|os\.listdir|os\.walk|os\.scandir)$"
    r"|^mnist1d\.|^(seaborn|vega_datasets)\.load|^openml\.|^torch_geometric\.datasets\."
    r"|(^|[._])(load_data|load_dataset|get_dataset|make_dataset|fetch_\w+|read_csv|read_parquet)$"
)
ENVIRONMENTS = re.compile(
    r"^(gym|gymnasium|gymnax|envpool|brax|dm_control|pettingzoo|minigrid|procgen|minatar|bsuite)\b.*"
    r"(^|\.)(make|make_vec|load|load_from_id|create|make_\w+|\w+Env)$"
)
"""Calls that give an environment, which answers to what a policy does."""
LOAD_METHODS = {
    "glob",
    "read_text",
    "read_bytes",
    "read",
    "readlines",
    "readline",
    "iterdir",
    "rglob",
}
CONFIG_LOADERS = re.compile(
    r"^(yaml|ruamel\.yaml|toml|tomllib|tomli|configparser|omegaconf|hydra|ml_collections|munch|box)\b"
)
CONFIG_NAMES = re.compile(r"(conf|cfg|param|setting|hyper|hparam|option|experiment)", re.IGNORECASE)

SPLITS = re.compile(
    r"(^|\.)(train_test_split|random_split|\w*KFold|\w*ShuffleSplit|TimeSeriesSplit|LeaveOneOut"
    r"|LeaveOneGroupOut|PredefinedSplit|Subset|check_cv|temporal_train_test_split)$"
)
SAMPLERS = {
    "normal", "uniform", "randn", "rand", "randint", "choice", "permutation", "randperm",
    "integers", "random", "standard_normal", "poisson", "exponential", "multivariate_normal",
    "sample", "shuffle", "binomial", "standard_t", "lognormal", "make_blobs",
}  # fmt: skip

SAME = re.compile(
    r"^(numpy\.(asarray|array|ascontiguousarray|squeeze|copy)"
    r"|torch\.(tensor|as_tensor|from_numpy|FloatTensor|LongTensor|Tensor|squeeze)"
    r"|torch\.autograd\.Variable|(torch\.)?jit\.(script|trace)|jax\.numpy\.(asarray|array)"
    r"|(tqdm|tqdm\.auto|tqdm\.notebook|tqdm\.std)\.(tqdm|trange|tqdm_notebook)|tqdm|list|tuple"
    r"|iter|rich\.progress\.track|float|pandas\.DataFrame|pandas\.Series|(copy\.)?copy)$"
)
"""Calls that give back their first argument, as far as its rows and values go."""
SAME_METHODS = {
    "cpu", "cuda", "to", "detach", "contiguous", "clone", "numpy", "item", "tolist", "copy",
    "float", "double", "half", "eval", "requires_grad_", "squeeze", "to_numpy", "compute_",
    "to_list", "result_", "bfloat16", "share_memory", "reset_index", "values",
}  # fmt: skip
COPIES = {
    "copy", "clone", "tolist", "to_list", "reset_index", "numpy.array", "numpy.copy", "list",
    "torch.tensor", "copy.copy",
}  # fmt: skip
"""Those of them that give another thing with the same content."""
META_ATTRIBUTES = {
    "shape", "ndim", "dtype", "columns", "feature_names", "target_names", "classes", "device",
    "n_features_in_", "feature_names_in_", "column_names", "vocab_size", "num_classes",
    "num_features", "dtypes",
}  # fmt: skip
NAMES = {"columns", "column_names", "dtypes", "feature_names", "feature_names_in_", "device"}
"""Those of them that only name things: no number is computed of them."""
PART_BY_PART = {
    "map", "rename_column", "rename_columns", "remove_columns", "with_format", "cast_column",
    "select_columns", "with_transform",
}  # fmt: skip
"""Methods that do the same to each part of a dictionary of data sets."""
META_CALLS = {"len", "type", "isinstance", "hasattr", "id", "numpy.unique", "set", "numpy.ndim"}
META_METHODS = {"size", "dim", "nunique", "unique", "numel", "ndimension", "__len__"}

PARSES_CLASS = re.compile(
    r"^(tyro\.cli|simple_parsing\.parse|pyrallis\.(parse|wrap)|draccus\.parse|chz\.entrypoint"
    r"|jsonargparse\.(CLI|auto_cli)|cyclopts\.\w+|OmegaConf\.structured|omegaconf\.OmegaConf\.structured"
    r"|tapify|datargs\.parse)$"
)
"""Calls that fill a class's fields from the command line."""
NAMED_FIELDS = re.compile(
    r"^(argparse\.Namespace|types\.SimpleNamespace|SimpleNamespace|sklearn\.utils\.Bunch|munch\.\w+"
    r"|easydict\.EasyDict|addict\.Dict|box\.Box|ml_collections\.ConfigDict|torch_geometric\.data\.Data)$"
)
"""Calls that give their keyword arguments back as fields."""

FIT = {
    "fit", "partial_fit", "fit_transform", "fit_resample", "fit_predict", "train_on_batch",
    "fit_generator", "fit_one_cycle", "learn", "warmup_fit", "finetune", "fine_tune",
}  # fmt: skip
MUTATORS = {
    "append", "extend", "insert", "update", "add", "remove", "discard", "clear", "sort", "pop",
    "popitem", "setdefault", "reverse", "shuffle", "fill", "put", "itemset", "resize",
}  # fmt: skip
IN_PLACE = re.compile(
    r"^(numpy\.(copyto|place|putmask|put|fill_diagonal|random\.shuffle)|random\.shuffle"
    r"|heapq\.\w+|ctypes\.\w+|operator\.(setitem|iadd|delitem)|numpy\.(add|multiply)\.at)$"
)
"""Calls that change their first argument."""
QUIET_ROOTS = {
    "print", "plt", "matplotlib", "seaborn", "wandb", "mlflow", "logging", "logger", "writer",
    "warnings", "tqdm", "os", "json", "pprint", "rich", "time", "gc", "random", "sys",
}  # fmt: skip

SAME_FUNCTION = re.compile(
    r"^(jax\.(jit|checkpoint|vmap|pmap)|numba\.\w+|functools\.(lru_cache|cache|wraps)|torch\.compile"
    r"|torch\.(no_grad|inference_mode)|tensorflow\.function|np\.vectorize|numpy\.vectorize)$"
)
"""Calls that give back the function they are given, faster or over more rows."""
TRANSFORMS_FUNCTIONS = re.compile(r"^(jax\.\w+|functorch\.\w+|torch\.func\.\w+|autograd\.\w+)$")

MEASURES = re.compile(
    r"(Loss|Criterion)$|^(torchmetrics|ignite\.metrics|torcheval|monai\.metrics|keras\.metrics"
    r"|tensorflow\.keras\.metrics|sklearn\.metrics|evaluate)\."
)
"""Classes whose objects are called with predictions and labels: losses and metrics."""
FITS_OR_JUDGES = re.compile(
    r"^_*(fit|train|learn|update|step|eval|test|valid|score$|metric|loss|error|acc|auc|rmse|mae|recall"
    r"|precision|f1|report|log|save|load|setup|init|__)",
    re.IGNORECASE,
)
"""Methods of a learner that are not its answers."""

PREDICTS = {
    "predict", "predict_proba", "predict_log_proba", "decision_function", "forward", "generate",
    "score_samples", "predict_step", "predict_classes", "__call__", "apply", "predict_on_batch",
    "infer", "inference", "kneighbors",
}  # fmt: skip
PREDICT_NAME = re.compile(
    r"^_*(predict\w*|forward\w*|infer\w*|apply_model|run_model|model_fn|net|logits\w*|generate\w*"
    r"|decode\w*|classify\w*|make_predictions?|get_predictions?|batch_predict|network|mlp|apply"
    r"|model|hypothesis|nn)$"
)

ANSWERS = re.compile(
    r"^(predict\w*|forecast\w*|get_forecast|get_prediction|apply_fn|survival_function\w*"
    r"|cumulative_hazard\w*|sample|sample_\w+|simulate|reconstruct|encode|decode|kneighbors|query"
    r"|infer\w*|impute|anomaly_score\w*|score_samples|most_similar|wv|similar_by_\w+|recommend\w*"
    r"|rank\w*|transcribe|translate|summari[sz]e|embed\w*|generate\w*|classify\w*|log_prob|logits"
    r"|detect\w*|segment\w*|posterior\w*|conditional_\w+|act|choose_action|get_action|select_action)$"
)
"""Methods by which something that was fitted, built or loaded as a model answers."""
UNFITTED = re.compile(
    r"(Tokenizer|Processor|FeatureExtractor|Vectorizer|Encoder|Scaler|Normalizer)"
)

METRICS = re.compile(
    r"^(sklearn\.metrics\.|torchmetrics\.|evaluate\.load|datasets\.load_metric|keras\.metrics\."
    r"|tensorflow\.keras\.metrics\.|scipy\.stats\.(pearsonr|spearmanr|kendalltau)|ignite\.metrics"
    r"|sacrebleu\.|rouge|nltk\.translate|torcheval\.|monai\.metrics|seqeval\.|pycocotools"
    r"|lifelines\.utils\.\w*concordance|sksurv\.metrics\.|pytrec_eval|ranx\.|jiwer\.|bert_score"
    r"|torch_fidelity|clean_?fid|pytorch_fid|mir_eval|pesq|pystoi|motmetrics|prdc|properscoring"
    r"|fairlearn\.metrics|lpips|scoringrules|aif360\.metrics|ir_measures|ogb\.\w+\.\w*Evaluator"
    r"|sklearn\.model_selection\.cross_val|skimage\.metrics\.|segmentation_models_pytorch\.metrics)"
)
CLOCKS = re.compile(
    r"^(time\.(time|perf_counter|monotonic|process_time|time_ns|perf_counter_ns|monotonic_ns)"
    r"|timeit\.\w+|datetime\.datetime\.now|torch\.cuda\.Event)$"
)
_NO_MODELS = r"(?!.*(Tokenizer|Processor|FeatureExtractor|TrainingArguments|DataCollator))"
ESTIMATORS = re.compile(
    "^"
    + _NO_MODELS
    + "(?:"
    + "|".join(
        (
            r"sklearn\.(?!metrics|datasets|utils|model_selection|base\.clone|inspection|set_config)",
            r"sklearn\.model_selection\.\w*SearchCV$",
            r"(xgboost|lightgbm|catboost)\.(?!\w*(DMatrix|Dataset|Pool))",
            r"(lifelines|sksurv|hmmlearn|pyod|gensim\.models|implicit|surprise|prophet|darts|river|umap"
            r"|hdbscan|pymc|numpyro|pyro|gpytorch|GPy|botorch|stable_baselines3|sb3_contrib|diffusers"
            r"|spacy|fasttext|deepxde|pgmpy|causalml|econml|tslearn|sktime|autogluon|lightfm|annoy|faiss"
            r"|kerastuner|fastai|mxnet|paddle|allennlp|ultralytics|detectron2|mmdet|pykeen|dgl\.nn"
            r"|arch|statsforecast|neuralforecast|sentencepiece|crfsuite|sklearn_crfsuite|pomegranate)"
            r"\.(?!utils|metrics|datasets|data|evaluation|transforms|preprocessing)",
            r"(ngboost|pygam|interpret|tabpfn|skorch|imblearn|category_encoders|statsmodels)\.",
            r"torch\.nn\.(?!functional|utils\.|init\.|\w*Loss$)",
            r"torch\.(compile|hub\.load)",
            r"(torchvision\.models|timm|transformers|flax|haiku|equinox|sentence_transformers)\.",
            r"(tensorflow\.)?keras\.(?!metrics|datasets|utils)",
            r"(torch_geometric\.nn|monai\.networks)\b",
            r"segmentation_models_pytorch\.(?!metrics)",
        )
    )
    + ")"
)
"""Constructors of things that learn or transform."""
WRAPS_MODEL = re.compile(
    r"^(copy\.deepcopy|sklearn\.base\.clone|torch\.compile|torch\.jit\.\w+|torch\.nn\.\w*DataParallel"
    r"|torch\.nn\.parallel\.\w+|deepcopy|clone)$"
)
MODEL_BASES = re.compile(
    r"(^|\.)(Module|LightningModule|Model|Layer|BaseEstimator|ClassifierMixin|RegressorMixin"
    r"|TransformerMixin|PreTrainedModel|Sequential|ClusterMixin|Function)$"
)
TRANSFORMS_ROWS = re.compile(
    r"^(torchvision\.transforms|albumentations|torchaudio\.transforms|kornia\.augmentation|imgaug)\."
    r"|(Tokenizer\w*|Processor|FeatureExtractor|ImageProcessor)(\.from_pretrained)?$"
    r"|^torch_geometric\.transforms\.|^(spacy|nltk|sentencepiece|tiktoken|torchtext)\."
)
"""Objects that are called with a row to give the row in another form; they are no models."""
LOADER_CLASSES = re.compile(r"(^|\.)(DataLoader|DeviceDataLoader)$")
LOADER_NEUTRAL = {
    "batch_size", "num_workers", "pin_memory", "shuffle", "persistent_workers", "generator",
    "prefetch_factor", "worker_init_fn", "multiprocessing_context", "timeout", "pin_memory_device",
}  # fmt: skip
