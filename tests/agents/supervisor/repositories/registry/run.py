import argparse, logging, pathlib, random
import numpy as np, torch
import datasets_ as D
import models
from train_eval import train, test
log = logging.getLogger(__name__)

def get_args():
    parser = argparse.ArgumentParser()
    parser.add_argument("--arch", default="resnet", choices=["resnet", "vit"])
    parser.add_argument("--dataset", default="cifar")
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--topk", type=int, nargs="+", default=[1, 5])
    return parser.parse_args()

def main():
    args = get_args()
    random.seed(args.seed); np.random.seed(args.seed); torch.manual_seed(args.seed)
    model = getattr(models, args.arch)(num_classes=10).cuda()
    train_loader, test_loader = getattr(D, "get_" + args.dataset)()
    opt = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    for epoch in range(args.epochs):
        train(model, train_loader, opt, epoch)
        acc1, acc5 = test(model, test_loader, args.topk)
        log.info("epoch %d acc %.3f", epoch, acc1)
    print("Final: acc@1 {:.3f} acc@5 {:.3f}".format(acc1, acc5))

if __name__ == "__main__":
    main()
