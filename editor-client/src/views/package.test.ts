import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { Commands } from "../protocol";

interface Item {
  command: string;
  when?: string;
}

const about = JSON.parse(readFileSync("package.json", "utf8")) as {
  contributes: {
    commands: Item[];
    menus: Record<string, Item[]>;
    views: Record<string, { id: string }[]>;
    viewsContainers: { activitybar: { id: string; icon: string }[] };
    viewsWelcome: { view: string; contents: string }[];
    walkthroughs: {
      steps: { description: string; media: { svg: string; altText: string }; completionEvents: string[] }[];
    }[];
  };
};
const { contributes } = about;
const offered = new Set(contributes.commands.map((one) => one.command));
const isOurs = (name: string) => /^autosota\.(?:ideas|runs|views|campaign)\./.test(name);

test("every command of the views that is offered is carried out, and the other way round", () => {
  const source = readFileSync("src/views/commands.ts", "utf8");
  const table = new Set([...source.matchAll(/^ {4}\["(autosota\.[\w.]+)"/gm)].map((m) => m[1] ?? ""));
  assert.deepEqual([...offered].filter(isOurs).sort(), [...table].filter(isOurs).sort());
  assert.ok(table.has("autosota.view.ideas") && table.size > 20);
});

test("menus, welcome texts and the walkthrough lead to commands that there are", () => {
  const views = new Set(Object.values(contributes.views).flatMap((of) => of.map((one) => one.id)));
  const known = (name: string) =>
    offered.has(name) ||
    !name.startsWith("autosota.") ||
    (Object.values(Commands) as string[]).includes(name) ||
    [...views].some((view) => name === `${view}.focus`);
  const menus = Object.values(contributes.menus).flat();
  const texts = [
    ...contributes.viewsWelcome.map((one) => one.contents),
    ...contributes.walkthroughs.flatMap((one) => one.steps.map((step) => step.description)),
  ];
  const links = texts.flatMap((text) => [...text.matchAll(/\(command:([\w.]+)/g)].map((m) => m[1] ?? ""));
  assert.ok(links.length > 10);
  assert.deepEqual([...menus.map((one) => one.command), ...links].filter((name) => !known(name)), []);
  const named = menus.flatMap((one) => [...(one.when ?? "").matchAll(/view == ([\w.]+)/g)].map((m) => m[1] ?? ""));
  assert.deepEqual(named.filter((view) => view.startsWith("autosota.") && !views.has(view)), []);
  assert.ok(contributes.viewsWelcome.every((one) => views.has(one.view)));
});

test("every action of a row's icon is in its context menu, where keys reach it", () => {
  const rows = contributes.menus["view/item/context"] as (Item & { group: string })[];
  const key = (one: Item) => `${one.command} ${one.when}`;
  const inMenu = new Set(rows.filter((one) => !one.group.startsWith("inline")).map(key));
  const icons = rows.filter((one) => one.group.startsWith("inline"));
  assert.ok(icons.length > 3);
  assert.deepEqual(icons.map(key).filter((one) => !inMenu.has(one)), []);
});

test("the walkthrough has six steps, each with a picture that is described and loads nothing", () => {
  const steps = contributes.walkthroughs.flatMap((one) => one.steps);
  assert.equal(steps.length, 6);
  for (const { media, completionEvents } of steps) {
    assert.ok(existsSync(media.svg), media.svg);
    const picture = readFileSync(media.svg, "utf8");
    assert.match(picture, /^<svg [^>]*role="img"/);
    assert.doesNotMatch(picture.replace('xmlns="http://www.w3.org/2000/svg"', ""), /<script|href|url\(|https?:|\son\w+=/);
    assert.doesNotMatch(picture, /(?:fill|stroke)="#/, "colours are the theme's");
    assert.ok(media.altText.length > 20 && completionEvents.length > 0);
  }
  assert.ok(contributes.viewsContainers.activitybar.every((one) => existsSync(one.icon)));
});
