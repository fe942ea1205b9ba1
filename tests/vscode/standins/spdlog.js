// Log files: each line is appended at once, and files are not rotated.
const fs = require("fs");
const path = require("path");

const LEVELS = ["trace", "debug", "info", "warn", "error", "critical"];
let least = 2;

class Logger {
  constructor(_kind, _name, file) {
    this.file = file;
    this.level = least;
    this.bare = false;
  }
  getLevel() { return this.level; }
  setLevel(level) { this.level = level; }
  setPattern() {}
  clearFormatters() { this.bare = true; }
  flush() {}
  drop() {}
  _write(level, message) {
    if (level < this.level) return;
    const before = this.bare ? "" : `${new Date().toISOString()} [${LEVELS[level]}] `;
    const after = this.bare ? "" : "\n";
    try {
      fs.appendFileSync(this.file, before + message + after);
    } catch {
      // its folder went away with the test
    }
  }
}
LEVELS.forEach((name, level) => {
  Logger.prototype[name] = function (message) { this._write(level, message); };
});

const made = async (name, file) => {
  fs.mkdirSync(path.dirname(file), { recursive: true });
  return new Logger("", name, file);
};
// one by one: importers read the names from this text
exports.version = 0;
exports.Logger = Logger;
exports.setLevel = (level) => { least = level; };
exports.setFlushOn = () => {};
exports.createRotatingLogger = made;
exports.createAsyncRotatingLogger = made;
