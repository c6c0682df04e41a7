import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { expect } from "chai";
import { UsageError } from "../../plan/usage-error";
import { parseOptions } from "../../rehearse/options";
import { root } from "../support/home";

describe("npm run rehearse: its words", () => {
  it("nothing is asked for by default", () => {
    expect(parseOptions([])).to.deep.equal({ only: undefined, keep: false, fresh: false, clean: false, dryRun: false });
    expect(parseOptions(["--only", "nodes", "--keep"])).to.include({ only: "nodes", keep: true });
    expect(parseOptions(["--help"])).to.equal(undefined);
  });

  it("a mirror is a folder, from wherever it is named, of the stack home if no other is", () => {
    expect(parseOptions(["--mirror", "/srv/mirror"])?.mirror).to.deep.equal({ folder: "/srv/mirror", stack: "home" });
    expect(parseOptions(["--mirror", "mirror", "--stack", "cabin"])?.mirror).to.deep.equal({
      folder: path.resolve("mirror"),
      stack: "cabin",
    });
  });

  for (const words of [
    ...[["--kep"], ["nodes"], ["--only", "cluster"], ["--only"], ["--clean", "--keep"]],
    ...[["--stack", "home"], ["--mirror"], ["--mirror", ""], ["--clean", "--mirror", "/srv/mirror"]],
    ["--mirror", "/srv/mirror", "--stack", "../home"],
  ]) {
    it(`'${words.join(" ")}' is refused`, () => {
      expect(() => parseOptions(words)).to.throw(UsageError);
    });
  }

  it("a mistake ends with status 2 and the usage, and nothing is written", () => {
    const home = fs.mkdtempSync(path.join(os.tmpdir(), "rehearse-"));
    const { status, stderr } = spawnSync(process.execPath, [path.join(root, "bin/rehearse.js"), "--bogus"], {
      encoding: "utf8",
      env: { ...process.env, XDG_STATE_HOME: home },
    });
    expect(status).to.equal(2);
    expect(stderr).to.contain("'--bogus'").and.to.contain("usage: npm run rehearse");
    expect(fs.readdirSync(home)).to.deep.equal([]);
    fs.rmSync(home, { recursive: true });
  });
});
