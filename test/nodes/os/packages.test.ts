import { execFileSync, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
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
        // A container's image says how lists are kept.
        'Dir::Etc::parts "/dev/null";',
        // The folder is for root's eyes.
        'APT::Sandbox::User "root";',
        "",
      ].join("\n"),
    );
    execFileSync("dpkg-deb", ["--build", path.join(folder, "package"), path.join(folder, "test.deb")]);
    const control = fs.readFileSync(path.join(folder, "package/DEBIAN/control"), "utf8");
    fs.mkdirSync(path.join(folder, "needy/DEBIAN"), { recursive: true });
    fs.writeFileSync(
      path.join(folder, "needy/DEBIAN/control"),
      control.replace("homelab-test", "homelab-needy").replace("Description", "Depends: homelab-test\nDescription"),
    );
    execFileSync("dpkg-deb", ["--build", path.join(folder, "needy"), path.join(folder, "needy.deb")]);
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

  describe("package lists", () => {
    const archive = () => path.join(folder, "archive");
    const list = () =>
      path.join(
        folder,
        "lists",
        fs.readdirSync(path.join(folder, "lists")).find((name) => name.includes("Packages"))!,
      );
    const zeros = (file: string) => fs.writeFileSync(file, Buffer.alloc(fs.statSync(file).size));
    /** Installs it from an archive, whose list has been fetched and then come to that; whether the list was fetched again. */
    const fetchedAgain = (damage: (file: string) => void, prepare = "", act = "install_packages homelab-test") => {
      const prepared = run(`dpkg --purge homelab-needy homelab-test; apt_get update; ${prepare}`);
      expect(prepared.status, prepared.out).to.equal(0);
      const whole = fs.readFileSync(list());
      fs.utimesSync(list(), 0, 0);
      damage(list());
      const ran = run(act);
      expect(ran.status, ran.out).to.equal(0);
      expect(state()).to.equal("installed");
      expect(fs.readFileSync(list()).equals(whole), "the list is whole").to.equal(true);
      return fs.statSync(list()).mtimeMs !== 0;
    };

    before(() => {
      const deb = path.join(folder, "test.deb");
      const sha256 = (data: string | Buffer) => createHash("sha256").update(data).digest("hex");
      const content = fs.readFileSync(deb);
      const packages = [
        fs.readFileSync(path.join(folder, "package/DEBIAN/control"), "utf8").trimEnd(),
        `Filename: ./homelab-test_1_all.deb\nSize: ${content.length}\nSHA256: ${sha256(content)}\n\n`,
      ].join("\n");
      fs.mkdirSync(archive());
      fs.copyFileSync(deb, path.join(archive(), "homelab-test_1_all.deb"));
      fs.writeFileSync(path.join(archive(), "Packages"), packages);
      fs.writeFileSync(
        path.join(archive(), "Release"),
        `Date: Thu, 01 Jan 2026 00:00:00 UTC\nSHA256:\n ${sha256(packages)} ${packages.length} Packages\n`,
      );
      fs.writeFileSync(path.join(folder, "sources.list"), `deb [trusted=yes] copy:${archive()} ./\n`);
    });

    for (const compressed of [false, true]) {
      describe(compressed ? "kept compressed" : "kept as they are", () => {
        before(() => {
          fs.appendFileSync(path.join(folder, "apt.conf"), `Acquire::GzipIndexes "${compressed}";\n`);
          run("package_lists -delete; apt_get update");
          expect(list().endsWith("Packages"), "as it is").to.equal(!compressed);
        });

        it("full of zeros, as a power cut leaves them, are fetched anew", () => {
          expect(fetchedAgain(zeros)).to.equal(true);
        });

        it("that are empty, which apt may take for lists without packages, are fetched anew", () => {
          expect(fetchedAgain((file) => fs.truncateSync(file, 0))).to.equal(true);
        });

        it("that are whole are kept", () => {
          expect(fetchedAgain(() => undefined)).to.equal(false);
        });

        it("full of zeros, and a package half installed by the same power cut: both are mended", () => {
          const unpack = `dpkg --unpack ${path.join(folder, "needy.deb")}`;
          expect(fetchedAgain(zeros, unpack, "repair_dpkg")).to.equal(true);
        });
      });
    }
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
