// The part of the Python extension's API that ours uses. It begins with $AUTOSOTA_TEST_PYTHON.

const vscode = require("vscode");

exports.activate = () => {
  let chosen = process.env.AUTOSOTA_TEST_PYTHON;
  const changed = new vscode.EventEmitter();
  vscode.commands.registerCommand("fake.chosen", () => chosen);
  vscode.commands.registerCommand("fake.choose", (path) => {
    chosen = path;
    changed.fire({ id: path, path, resource: undefined });
  });
  return {
    ready: Promise.resolve(),
    environments: {
      getActiveEnvironmentPath: () => ({ id: chosen, path: chosen }),
      resolveEnvironment: async ({ path }) => ({ executable: { uri: vscode.Uri.file(path) } }),
      onDidChangeActiveEnvironmentPath: changed.event,
    },
  };
};
