// Rows in a tree of the editor. What they say is not known here.

import * as vscode from "vscode";
import type { Row } from "./rows";

/** A tree view whose rows are made anew whenever there is news. */
export class Tree implements vscode.TreeDataProvider<Row>, vscode.Disposable {
  readonly view: vscode.TreeView<Row>;
  private readonly changes = new vscode.EventEmitter<undefined>();
  private readonly parents = new Map<string, Row>();
  private roots: readonly Row[] = [];

  readonly onDidChangeTreeData = this.changes.event;

  constructor(
    id: string,
    private readonly rows: () => readonly Row[],
  ) {
    this.view = vscode.window.createTreeView(id, { treeDataProvider: this, showCollapseAll: true });
  }

  /** Make the rows anew. */
  refresh(): void {
    this.changes.fire(undefined);
  }

  /** Show a row of those that are there, by its id; gives whether there is one. */
  async reveal(id: string, expand = false): Promise<boolean> {
    const row = find(this.roots.length > 0 ? this.roots : this.rows(), id, this.parents);
    if (row === undefined) {
      return false;
    }
    await this.view.reveal(row, { select: true, focus: true, expand });
    return true;
  }

  getTreeItem(row: Row): vscode.TreeItem {
    const { None, Expanded, Collapsed } = vscode.TreeItemCollapsibleState;
    const item = new vscode.TreeItem(
      row.label,
      row.children === undefined ? None : row.open ? Expanded : Collapsed,
    );
    item.id = row.id;
    item.accessibilityInformation = { label: row.spoken };
    if (row.description) {
      item.description = row.description;
    }
    item.tooltip = row.tooltip ?? row.label;
    if (row.icon !== undefined) {
      const color = row.icon.color === undefined ? undefined : new vscode.ThemeColor(row.icon.color);
      item.iconPath = new vscode.ThemeIcon(row.icon.name, color);
    }
    if (row.context !== undefined) {
      item.contextValue = row.context;
    }
    if (row.click !== undefined) {
      item.command = { ...row.click, arguments: [row] };
    }
    return item;
  }

  getChildren(row?: Row): readonly Row[] & Row[] {
    if (row === undefined) {
      this.parents.clear();
      this.roots = this.rows();
      return [...this.roots];
    }
    const children = row.children?.() ?? [];
    for (const child of children) {
      this.parents.set(child.id, row);
    }
    return [...children];
  }

  getParent(row: Row): Row | undefined {
    return this.parents.get(row.id);
  }

  dispose(): void {
    this.view.dispose();
    this.changes.dispose();
  }
}

/** A row by its id, at any depth; its ancestors are noted in `parents`. */
function find(rows: readonly Row[], id: string, parents: Map<string, Row>): Row | undefined {
  for (const row of rows) {
    if (row.id === id) {
      return row;
    }
    if (!id.startsWith(`${row.id}/`) || row.children === undefined) {
      continue;
    }
    const children = row.children();
    for (const child of children) {
      parents.set(child.id, row);
    }
    const found = find(children, id, parents);
    if (found !== undefined) {
      return found;
    }
  }
  return undefined;
}
