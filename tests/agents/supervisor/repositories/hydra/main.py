import hydra
import torch
from omegaconf import DictConfig
from src.data import get_loaders
from src.engine import evaluate, fit
from src.nets import build

@hydra.main(config_path="conf", config_name="config", version_base=None)
def main(cfg: DictConfig):
    torch.manual_seed(cfg.seed)
    train, val, test = get_loaders(cfg.data)
    model = build(cfg.model)
    fit(model, train, val, cfg.train)
    for name, loader in {"val": val, "test": test}.items():
        res = evaluate(model, loader)
        for k, v in res.items():
            print(f"METRIC {name}_{k}={v:.4f}")

if __name__ == "__main__":
    main()
