// No Python here has the server: one notice says so, and the status bar leads to a way out.

const STATUS = "#autosota\\.autosota\\.autonomy";

export default async function (window, context) {
  await window.openFile("leak.py");
  await window.shown(".notification-toast", { text: "No Python environment here", seconds: 60 });
  await window.shot("notice");
  const notices = await window.notifications();
  await (await window.shown(`${STATUS} a`)).click();
  await window.pick("Choose an Interpreter");
  await window.pick("Enter a path");
  const said = ".quick-input-widget .quick-input-message";
  await window.shown(said, { text: "Path of a Python" });
  await window.page.keyboard.insertText("/nowhere/python");
  await window.shown(said, { text: "there is no such program" });
  await window.press("Control+A");
  await window.page.keyboard.insertText(context.python);
  await window.gone(said, { text: "there is no such program" });
  await window.shot("path");
  await window.press("Enter");
  await window.shown(STATUS, { text: "suggest", seconds: 60 });
  await window.shown(".cdr.squiggly-info, .cdr.squiggly-warning, .cdr.squiggly-error", { seconds: 60 });
  await window.shot("ready");
  return { notices };
}
