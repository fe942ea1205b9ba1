"""What the rules rest on: papers, reports and documentation, by a short key."""

from __future__ import annotations

SOURCES = {
    "ambroise02": "C. Ambroise, G. McLachlan. Selection bias in gene extraction on the basis of "
    "microarray gene-expression data. PNAS 99(10), 2002.",
    "agentpressure": "AgentPressureBench: how agents exploit evaluations under pressure, and a "
    "detector of it.",
    "aiscientist": "C. Lu et al. The AI Scientist. arXiv:2408.06292, 2024 (section on safety).",
    "autosota": "AutoSOTA. arXiv:2604.05550, 2026 (red lines R1 to R7).",
    "baker25": "B. Baker et al. Monitoring reasoning models for misbehavior and the risks of "
    "promoting obfuscation. arXiv:2503.11926, 2025.",
    "barz20": "B. Barz, J. Denzler. Do we train on test data? Purging CIFAR of near-duplicates. "
    "Journal of Imaging 6(6), 2020.",
    "bouthillier21": "X. Bouthillier et al. Accounting for variance in machine learning "
    "benchmarks. MLSys, 2021.",
    "cawley10": "G. Cawley, N. Talbot. On over-fitting in model selection and subsequent selection "
    "bias in performance evaluation. JMLR 11, 2010.",
    "cuda": "Sakana AI. The AI CUDA Engineer, and its post-mortem on reward hacking. 2025.",
    "dodge19": "J. Dodge et al. Show your work: improved reporting of experimental results. "
    "EMNLP, 2019.",
    "dslinter": "dslinter: a linter for data science code.",
    "dwork15": "C. Dwork et al. The reusable holdout: preserving validity in adaptive data "
    "analysis. Science 349, 2015.",
    "impossible": "ImpossibleBench: measuring LLMs' propensity of exploiting test cases. "
    "arXiv:2510.20270, 2025.",
    "kapoor23": "S. Kapoor, A. Narayanan. Leakage and the reproducibility crisis in "
    "machine-learning-based science. Patterns 4(9), 2023.",
    "kaufman12": "S. Kaufman et al. Leakage in data mining: formulation, detection, and "
    "avoidance. ACM TKDD 6(4), 2012.",
    "leakage26": "arXiv:2604.04199, 2026 (how much each class of leakage moves a score).",
    "leech24": "G. Leech et al. Questionable practices in machine learning. arXiv:2407.12220, "
    "2024.",
    "malt": "METR. MALT: a dataset of natural and prompted behaviors that threaten evaluation "
    "integrity. 2025.",
    "metr": "METR. Recent frontier models are reward hacking. 2025.",
    "micci01": "D. Micci-Barreca. A preprocessing scheme for high-cardinality categorical "
    "attributes in classification and prediction problems. SIGKDD Explorations 3(1), 2001.",
    "mischief": "Machine learning mischief: examples from the dark side of data science.",
    "mlebench": "J. S. Chan et al. MLE-bench. arXiv:2410.07095, 2024.",
    "musgrave20": "K. Musgrave, S. Belongie, S.-N. Lim. A metric learning reality check. ECCV, "
    "2020.",
    "nblyzer": "P. Subotić, L. Milikić, M. Stojić. A static analysis framework for data science "
    "notebooks. ICSE-SEIP, 2022.",
    "opitz19": "J. Opitz, S. Burst. Macro F1 and macro F1. arXiv:1911.03347, 2019.",
    "paperbench": "G. Starace et al. PaperBench. arXiv:2504.01848, 2025.",
    "picard21": "D. Picard. torch.manual_seed(3407) is all you need. arXiv:2109.08203, 2021.",
    "pimentel19": "J. F. Pimentel et al. A large-scale study about quality and reproducibility of "
    "Jupyter notebooks. MSR, 2019.",
    "rebench": "METR. RE-Bench. 2024.",
    "rewardhacking": "RewardHackingAgents: evaluation integrity of agents that do machine "
    "learning.",
    "roberts17": "D. Roberts et al. Cross-validation strategies for data with temporal, spatial, "
    "hierarchical, or phylogenetic structure. Ecography 40(8), 2017.",
    "sklearn": "scikit-learn user guide: common pitfalls and recommended practices.",
    "smells": "H. Zhang et al. Code smells for machine learning applications. CAIN, 2022.",
    "vandewiele21": "G. Vandewiele et al. Overly optimistic prediction results on imbalanced data: "
    "a case study of flaws and benefits when applying over-sampling. Artificial Intelligence in "
    "Medicine 111, 2021.",
    "varma06": "S. Varma, R. Simon. Bias in error estimation when using cross-validation for model "
    "selection. BMC Bioinformatics 7, 2006.",
    "yang22": "C. Yang et al. Data leakage in notebooks: static detection and better processes. "
    "ASE, 2022.",
}
"""Key to citation."""


def citation(reference: str) -> str:
    """The citation of a rule's reference, with the place in it where one is given.

    Raises:
        KeyError: there is no such source.
    """
    key, _, where = reference.partition(": ")
    return f"{SOURCES[key]} {where[0].upper()}{where[1:]}." if where else SOURCES[key]
