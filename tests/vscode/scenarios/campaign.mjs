// A campaign is started from the palette and stopped; autonomous mode starts one, and is left.

const STATUS = "#autosota\\.autosota\\.autonomy";

async function mode(window, name) {
  await (await window.shown(`${STATUS} a`)).click();
  await window.shown(".quick-input-widget", { text: "Autonomy" });
  await window.shot(`menu-${name}`);
  await window.pick(name);
}

export default async function (window, context) {
  await window.openFile("train.py");
  await window.shown(STATUS, { text: "autonomous", seconds: 60 }); // as the objective says
  await mode(window, "Suggest");
  await window.shown(STATUS, { text: "suggest" });
  await window.command("AutoSOTA: Start Campaign");
  await window.shown(".monaco-dialog-box");
  await window.shot("question");
  await window.confirm("Start");
  await window.shown(STATUS, { text: /[1-9]\d*\/\d+ runs/, seconds: 60 });
  await window.shot("running");
  await window.command("AutoSOTA: Stop");
  await window.shown(STATUS, { text: /suggest$/, seconds: 60 });
  await window.shot("stopped");

  await mode(window, "Autonomous");
  await window.shown(".monaco-dialog-box");
  await window.shot("budget");
  await window.confirm("Switch to Autonomous");
  await window.shown(STATUS, { text: /autonomous.*[1-9]\d*\/\d+ runs/, seconds: 60 });
  await window.shot("autonomous");
  await mode(window, "Off");
  await window.shown(STATUS, { text: /off$/, seconds: 60 });
  await window.shot("off");
}
