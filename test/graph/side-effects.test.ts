import { expect } from "chai";
import { spawnSync } from "node:child_process";
import * as path from "node:path";
import { homeConfig, root } from "../support/home";

/** Loads the program in a process of its own, in which whatever reaches beyond reading files throws. */
const loader = `
  const forbid = (module, names) => names.forEach((name) => {
    if (typeof module[name] !== "function") throw new Error("no function " + name);
    module[name] = () => { throw new Error("the program called " + name); };
  });
  require("ts-node/register/transpile-only");
  forbid(require("fs"), ["writeFileSync", "writeFile", "appendFileSync", "appendFile", "mkdirSync", "mkdir", "mkdtempSync",
    "mkdtemp", "rmSync", "rm", "unlinkSync", "unlink", "renameSync", "rename", "chmodSync", "chmod", "createWriteStream"]);
  forbid(require("fs").promises, ["writeFile", "appendFile", "mkdir", "mkdtemp", "rm", "unlink", "rename", "chmod"]);
  forbid(require("child_process"), ["spawn", "spawnSync", "exec", "execSync", "execFile", "execFileSync", "fork"]);
  forbid(require("net").Socket.prototype, ["connect"]);
  forbid(require("dns"), ["lookup"]);
  const { recordStack } = require(process.env.PROGRAM);
  recordStack("home", JSON.parse(process.env.CONFIG)).then(
    ({ resources }) => console.log(resources.length),
    (error) => { console.error(error); process.exit(1); },
  );
`;

describe("graph: importing the program", () => {
  it("registers resources, and writes no file, starts no process and opens no connection", function () {
    this.timeout(60_000);
    const { status, stdout, stderr } = spawnSync(process.execPath, ["--no-warnings", "-e", loader], {
      cwd: root,
      encoding: "utf8",
      env: { PROGRAM: path.join(root, "plan", "program.ts"), CONFIG: JSON.stringify(homeConfig()) },
    });
    expect(stderr).to.equal("");
    expect(status).to.equal(0);
    expect(Number(stdout)).to.be.greaterThan(200);
  });
});
