// Hashes of passwords: loaded at start, used only with `--auth password`.
const none = () => {
  throw new Error("the tests' server has no passwords");
};
exports.hash = none;
exports.verify = none;
exports.needsRehash = none;
