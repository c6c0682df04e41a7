import { execFileSync, spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { expect } from "chai";
import { readScript } from "../../../nodes/host-script";
import { skipBecause } from "../../support/skip";
import { hasTool } from "../disks/loop-disks";

/** The real dpkg and apt on a database of their own, so that nothing of this machine changes. */
describe("packages after an interrupted installation", () => {
  let folder: string;

  before(function () {
    if (!hasTool("dpkg-deb") || !hasTool("apt-get") || process.getuid?.() !== 0) {
      skipBecause(this, "needs dpkg, apt and root");
    }
    folder = fs.mkdtempSync(path.join(os.tmpdir(), "homelab-dpkg-"));
    ["db/info", "db/updates", "lists/partial", "cache/archives/partial", "package/DEBIAN"].forEach((name) =>
      fs.mkdirSync(path.join(folder, name), { recursive: true }),
    );
    ["db/status", "db/available", "sources.list"].forEach((name) => fs.writeFileSync(path.join(folder, name), ""));
    fs.writeFileSync(
      path.join(folder, "package/DEBIAN/control"),
      "Package: homelab-test\nVersion: 1\nArchitecture: all\nMaintainer: nobody <nobody@example.org>\nDescription: empty\n",
    );
    fs.writeFileSync(
      path.join(folder, "apt.conf"),
      [
        `Dir::State::lists "${folder}/lists";`,
        `Dir::State::status "${folder}/db/status";`,
        `Dir::Cache "${folder}/cache";`,
        `Dir::Etc::sourcelist "${folder}/sources.list";`,
        'Dir::Etc::sourceparts "/dev/null";',
        "",
      ].join("\n"),
    );
    execFileSync("dpkg-deb", ["--build", path.join(folder, "package"), path.join(folder, "test.deb")]);
  });
  after(() => {
    if (folder) {
      fs.rmSync(folder, { recursive: true });
    }
  });

  function environment() {
    return { ...process.env, DPKG_ADMINDIR: path.join(folder, "db"), APT_CONFIG: path.join(folder, "apt.conf") };
  }

  function run(call: string) {
    const input = `${readScript("lib.sh")}\n${call}\n`;
    const { status, stdout, stderr } = spawnSync("bash", [], { input, env: environment(), encoding: "utf8" });
    return { status, out: stdout + stderr };
  }

  function state(): string {
    return execFileSync("dpkg-query", ["-W", "-f=${db:Status-Status}", "homelab-test"], {
      env: environment(),
      encoding: "utf8",
    });
  }

  it("completes what was unpacked and never configured, once, before it looks for what is missing", () => {
    execFileSync("dpkg", ["--unpack", path.join(folder, "test.deb")], { env: environment(), stdio: "ignore" });
    expect(state()).to.equal("unpacked");
    const first = run("install_packages homelab-test");
    expect(first.status, first.out).to.equal(0);
    expect(first.out).to.include("changed: half installed packages completed");
    expect(state()).to.equal("installed");
    const second = run("install_packages homelab-test");
    expect(second.status, second.out).to.equal(0);
    expect(second.out).to.equal("");
  });

  it("waits for another installation that holds dpkg's lock", () => {
    execFileSync("dpkg", ["--unpack", path.join(folder, "test.deb")], { env: environment(), stdio: "ignore" });
    const lock = path.join(folder, "db", "lock-frontend");
    const holder = `perl -MFcntl -e 'open(my $f, ">", $ARGV[0]); my $l = pack("ssx4qql", F_WRLCK, 0, 0, 0, 0); fcntl($f, F_SETLK, $l) or die; print "held\\n"; close STDOUT; sleep 3' '${lock}'`;
    const { status, out } = run(
      `exec 3< <(exec ${holder}); read -r -u 3 held\nSECONDS=0; repair_dpkg; echo "after $SECONDS s"`,
    );
    expect(status, out).to.equal(0);
    expect(Number(/after (\d+) s/.exec(out)?.[1])).to.be.at.least(3);
    expect(state()).to.equal("installed");
  });
});
