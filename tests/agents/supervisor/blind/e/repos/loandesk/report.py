from sklearn.metrics import roc_auc_score


def report(part, target, score):
    auc = roc_auc_score(target, score)
    print(f"{part}: {len(target)} loans, {target.mean():.3f} of them bad")
    print(f"METRIC {part}_auc={auc:.5f}")
    return auc
