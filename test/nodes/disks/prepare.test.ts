import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import * as fs from "node:fs";
import * as path from "node:path";
import { expect } from "chai";
import { readScript } from "../../../nodes/host-script";
import { diskVariables, probeVariables } from "../../../nodes/disks/step";
import { assignments } from "../../../nodes/host-script";
import type { PlannedDevice, PlannedDirectory, PlannedDisk } from "../../../nodes/disks/plan";
import { LoopDisks, digest, hasTool, whyNoDisks } from "./loop-disks";
import { skipBecause } from "../../support/skip";

const MIB = 1 << 20;

/** Writes bytes into an image without changing its size. */
function write(file: string, offset: number, data: Buffer): void {
  const descriptor = fs.openSync(file, "r+");
  fs.writeSync(descriptor, data, 0, data.length, offset);
  fs.closeSync(descriptor);
}

function tool(command: string, ...args: string[]): void {
  execFileSync(command, args, { stdio: ["pipe", "ignore", "ignore"] });
}

function findmnt(target: string, column: string): string {
  return execFileSync("findmnt", ["-n", "-o", column, "--mountpoint", target], { encoding: "utf8" }).trim();
}

/** Everything on its disk, and the kernel done with what it initializes in the background after a first mount. */
function quiet(): void {
  const wait = "sync; for _ in $(seq 40); do pgrep -x ext4lazyinit >/dev/null || break; sleep 0.5; done; sync";
  execFileSync("bash", ["-c", wait]);
}

describe("disks on real block devices", function () {
  this.timeout(60_000);
  let disks: LoopDisks;

  before(function () {
    const reason = whyNoDisks();
    if (reason !== undefined) {
      skipBecause(this, reason);
    }
  });
  beforeEach(() => {
    disks = new LoopDisks();
  });
  afterEach(() => {
    disks?.cleanUp();
  });

  describe("accepted", () => {
    it("a blank disk is formatted with our UUID and label, and mounted", () => {
      const device = disks.attach(disks.image("blank"));
      const disk = disks.plan("nvme-1", device);
      const { status, out } = disks.run([disk]);
      expect(status, out).to.equal(0);
      expect(findmnt(disk.mountPath, "SOURCE")).to.equal(device);
      expect(findmnt(disk.mountPath, "OPTIONS")).to.include("errors=remount-ro").and.include("noatime");
      const found = execFileSync("blkid", ["--probe", "--output", "export", device], { encoding: "utf8" });
      expect(found).to.include(`UUID=${disk.uuid}\n`).and.include("LABEL=hl-nvme-1\n").and.include("TYPE=ext4\n");
      expect(probe([disk])).to.deep.include({ "disk.nvme-1": "mounted", "disk.nvme-1.at-boot": "enabled" });
    });

    it("a second run changes nothing and writes nothing", () => {
      const image = disks.image("twice");
      const disk = disks.plan("nvme-1", disks.attach(image));
      expect(disks.run([disk]).status).to.equal(0);
      fs.writeFileSync(path.join(disk.mountPath, "precious"), "data");
      quiet();
      const before = digest(image);
      const { status, out } = disks.run([disk]);
      expect(status, out).to.equal(0);
      expect(out).not.to.include("changed:");
      execFileSync("sync");
      expect(digest(image)).to.equal(before);
    });

    it("our disk after a reinstall of the machine is mounted with its data, not formatted", () => {
      const disk = disks.plan("nvme-1", disks.attach(disks.image("kept")));
      disks.run([disk]);
      fs.writeFileSync(path.join(disk.mountPath, "precious"), "data");
      execFileSync("umount", [disk.mountPath]);
      const { status, out } = disks.run([disk]);
      expect(status, out).to.equal(0);
      expect(out).to.include("mounted at").and.not.include("formatted");
      expect(fs.readFileSync(path.join(disk.mountPath, "precious"), "utf8")).to.equal("data");
    });

    it("nothing can be written below a mount point whose disk is missing", function () {
      const disk = disks.plan("nvme-1", disks.attach(disks.image("missing")));
      const { out } = disks.run([disk]);
      if (out.includes("cannot be made immutable")) {
        skipBecause(this, "the file system of the temporary folder knows no immutable flag");
      }
      execFileSync("umount", [disk.mountPath]);
      expect(() => fs.writeFileSync(path.join(disk.mountPath, "stray"), "x")).to.throw(/EPERM/);
    });

    it("a directory on the root file system is made once, and its space is asked for only then", () => {
      const directory: PlannedDirectory = {
        kind: "directory",
        name: "system",
        tier: "standard",
        mountPath: path.join(disks.folder, "places", "system"),
        minimumBytes: 1,
        reservedBytes: 0,
      };
      const huge = { ...directory, minimumBytes: 2 ** 60 };
      const refused = disks.run([huge]);
      expect(refused.status).not.to.equal(0);
      expect(refused.out).to.include("bytes free, the configuration says at least");
      expect(fs.existsSync(path.join(disks.folder, "places"))).to.equal(false);
      expect(disks.run([directory]).out).to.include("changed:");
      const again = disks.run([huge]);
      expect(again.status, again.out).to.equal(0);
      expect(again.out).not.to.include("changed:");
      expect(probe([directory])).to.deep.equal({ "disk.system": "present" });
    });
  });

  describe("drift", () => {
    it("our disk that does not mount is named, with what it may hold", () => {
      const device = disks.attach(disks.image("damaged"));
      const disk = disks.plan("nvme-1", device);
      expect(disks.run([disk]).status).to.equal(0);
      execFileSync("umount", [disk.mountPath]);
      // Its journal, as after a format that a power cut has ended.
      execFileSync("debugfs", ["-w", "-R", "clri <8>", device], { stdio: "ignore" });
      const { status, out } = disks.run([disk]);
      expect(status).to.equal(1);
      expect(out)
        .to.contain("disk nvme-1:")
        .and.contain("does not mount")
        .and.contain("do not erase it before you know");
    });

    it("a root of a disk that was made immutable in the place of its empty folder is found and mended", () => {
      const disk = disks.plan("nvme-1", disks.attach(disks.image("immutable")));
      expect(disks.run([disk]).status).to.equal(0);
      execFileSync("chattr", ["+i", disk.mountPath]);
      const { status, out } = disks.run([disk]);
      expect(status, out).to.equal(0);
      expect(out).to.contain("its root had been made immutable");
      fs.writeFileSync(path.join(disk.mountPath, "written"), "");
    });

    it("an unmounted disk, a read-only disk and a foreign disk in its place are told apart", () => {
      const disk = disks.plan("nvme-1", disks.attach(disks.image("drift")));
      disks.run([disk]);
      execFileSync("mount", ["-o", "remount,ro", disk.mountPath]);
      expect(probe([disk])["disk.nvme-1"]).to.equal("mounted read-only");
      execFileSync("umount", [disk.mountPath]);
      expect(probe([disk])["disk.nvme-1"]).to.equal("not mounted");
      const foreign = disks.attach(disks.image("foreign"));
      tool("mkfs.ext4", "-q", foreign);
      execFileSync("mount", [foreign, disk.mountPath]);
      expect(probe([disk])["disk.nvme-1"]).to.match(/^\/dev\/loop\d+ with UUID .* is mounted in its place$/);
      const { status, out } = disks.run([disk]);
      expect(status).not.to.equal(0);
      expect(out).to.include("something else is mounted at its place");
    });
  });

  describe("refused, byte for byte untouched", () => {
    interface Case {
      holds: string;
      says: string;
      needs?: string;
      /** Size of the disk; the usual one is smaller than what xfs, btrfs and the sampling of large disks ask for. */
      mebibytes?: number;
      /** Gets the image's path and its loop device. */
      make: (file: string, device: string) => void;
    }
    const cases: Case[] = [
      { holds: "a foreign ext4", says: "it holds: ext4", make: (_, device) => tool("mkfs.ext4", "-q", device) },
      {
        holds: "a foreign ext4 with our label",
        says: "it holds: ext4",
        make: (_, device) => tool("mkfs.ext4", "-q", "-L", "hl-victim", device),
      },
      {
        holds: "xfs",
        mebibytes: 320,
        says: "it holds: xfs",
        needs: "mkfs.xfs",
        make: (_, device) => tool("mkfs.xfs", device),
      },
      {
        holds: "btrfs",
        mebibytes: 128,
        says: "it holds: btrfs",
        needs: "mkfs.btrfs",
        make: (_, device) => tool("mkfs.btrfs", device),
      },
      { holds: "vfat", says: "vfat", needs: "mkfs.vfat", make: (_, device) => tool("mkfs.vfat", "-I", device) },
      { holds: "swap", says: "it holds: swap", make: (_, device) => tool("mkswap", device) },
      {
        holds: "a GPT",
        says: "gpt",
        needs: "sfdisk",
        make: (file) => {
          execFileSync("sfdisk", ["-q", file], { input: "label: gpt\n,10M\n", stdio: ["pipe", "ignore", "ignore"] });
        },
      },
      {
        holds: "only the backup GPT at its end",
        says: "gpt",
        needs: "sfdisk",
        make: (file) => {
          execFileSync("sfdisk", ["-q", file], { input: "label: gpt\n,10M\n", stdio: ["pipe", "ignore", "ignore"] });
          write(file, 0, Buffer.alloc(2 * MIB));
        },
      },
      {
        holds: "a DOS partition table",
        says: "dos",
        needs: "sfdisk",
        make: (file) => {
          execFileSync("sfdisk", ["-q", file], { input: "label: dos\n,10M\n", stdio: ["pipe", "ignore", "ignore"] });
        },
      },
      {
        holds: "a LUKS header",
        says: "it holds: crypto_LUKS",
        needs: "cryptsetup",
        make: (file) => {
          const options = ["--batch-mode", "--pbkdf", "pbkdf2", "--pbkdf-force-iterations", "1000"];
          execFileSync("cryptsetup", ["luksFormat", ...options, file, "-"], {
            input: "x",
            stdio: ["pipe", "ignore", "ignore"],
          });
        },
      },
      {
        holds: "an LVM physical volume",
        says: "it holds: LVM2_member",
        // The two labels of LVM's on-disk format in its second sector: LABELONE and the type.
        make: (file) => {
          const label = Buffer.alloc(512);
          label.write("LABELONE", 0);
          label.writeBigUInt64LE(1n, 8);
          label.writeUInt32LE(32, 20);
          label.write("LVM2 001", 24);
          label.write("a".repeat(32), 32);
          label.writeUInt32LE(lvmChecksum(label.subarray(20)), 16);
          write(file, 512, label);
        },
      },
      {
        holds: "a member of a RAID with metadata 1.0 at its end",
        says: "linux_raid_member",
        make: (file) => {
          const sectors = fs.statSync(file).size / 512;
          const at = (sectors - 16) & ~7;
          const superblock = Buffer.alloc(256);
          superblock.writeUInt32LE(0xa92b4efc, 0);
          superblock.writeUInt32LE(1, 4);
          randomBytes(16).copy(superblock, 16);
          superblock.writeBigUInt64LE(BigInt(at), 144);
          write(file, at * 512, superblock);
        },
      },
      {
        holds: "a ZFS label",
        mebibytes: 80,
        says: "zfs_member",
        make: (file) => {
          const uberblock = Buffer.alloc(1024);
          uberblock.writeBigUInt64LE(0x00bab10cn, 0);
          uberblock.writeBigUInt64LE(5000n, 8);
          for (let index = 0; index < 128; index++) {
            write(file, 128 * 1024 + index * 1024, uberblock);
          }
        },
      },
      {
        holds: "an old signature behind a file system of ours",
        says: "linux_raid_member",
        make: (file, device) => {
          tool("mkfs.ext4", "-q", "-U", disks.plan("victim", device).uuid, device);
          cases.find(({ holds }) => holds.startsWith("a member of a RAID"))?.make(file, device);
        },
      },
      {
        holds: "random bytes at its start",
        says: "but it holds data",
        make: (file) => write(file, 4096, randomBytes(4096).fill(0x41, 0, 16)),
      },
      {
        holds: "random bytes at its end",
        says: "but it holds data",
        make: (file) => write(file, 24 * MIB - 4096, randomBytes(4096)),
      },
      {
        holds: "one byte in the middle of a large disk",
        mebibytes: 320,
        says: "but it holds data",
        make: (file) => write(file, 160 * MIB, Buffer.from([1])),
      },
    ];

    cases.forEach(({ holds, says, needs, mebibytes, make }) =>
      it(holds, function () {
        if (needs !== undefined && !hasTool(needs)) {
          skipBecause(this, `${needs} is not installed`);
        }
        const file = disks.image("victim", mebibytes);
        const device = disks.attach(file);
        make(file, device);
        execFileSync("sync");
        execFileSync("blockdev", ["--flushbufs", device]);
        const innocent = disks.image("innocent");
        const [victimBefore, innocentBefore] = [digest(file), digest(innocent)];
        // The innocent disk comes first: one bad disk must keep every other from being written to.
        const { status, out } = disks.run([
          disks.plan("innocent", disks.attach(innocent)),
          disks.plan("victim", device),
        ]);
        execFileSync("sync");
        expect(status, out).not.to.equal(0);
        expect(out).to.include(says).and.include("disk victim").and.include("Nothing was written to any disk");
        expect(out).to.include("Look: ").and.not.include("changed:");
        expect(digest(file)).to.equal(victimBefore);
        expect(digest(innocent)).to.equal(innocentBefore);
      }),
    );

    function refused(plan: readonly PlannedDisk[], says: string, images: readonly string[]): void {
      execFileSync("sync");
      const before = images.map(digest);
      const { status, out } = disks.run(plan);
      execFileSync("sync");
      expect(status, out).not.to.equal(0);
      expect(out).to.include(says).and.not.include("changed:");
      expect(images.map(digest)).to.deep.equal(before);
    }

    it("a disk that is mounted elsewhere, even if it is ours", () => {
      const file = disks.image("mounted");
      const disk = disks.plan("nvme-1", disks.attach(file));
      tool("mkfs.ext4", "-q", "-U", disk.uuid, disk.device);
      const elsewhere = path.join(disks.folder, "elsewhere");
      fs.mkdirSync(elsewhere);
      execFileSync("mount", ["-o", "ro", disk.device, elsewhere]);
      refused([disk], `is mounted at ${elsewhere}`, [file]);
    });

    it("a disk that somebody holds open exclusively", () => {
      const file = disks.image("claimed");
      const disk = disks.plan("nvme-1", disks.attach(file));
      const hold = `perl -MFcntl -e 'sysopen(my $d, $ARGV[0], O_RDWR | O_EXCL) or die; print "ok\\n"; close STDOUT; sleep 20' ${disk.device}`;
      const { out, status } = disks.bash(
        [
          `exec 3< <(exec ${hold}); holder=$!; read -r -u 3 _`,
          `(${"bash <<'STEP'"}`,
          render([disk]),
          "STEP",
          ') && status=0 || status=$?; kill "$holder"; exit $status',
        ].join("\n"),
      );
      expect(status, out).not.to.equal(0);
      expect(out).to.include("is in use, though nothing on it says by whom");
    });

    it("a disk that is smaller than declared", () => {
      const file = disks.image("small", 8);
      refused([disks.plan("nvme-1", disks.attach(file))], "bytes, the configuration says at least", [file]);
    });

    it("a read-only disk", () => {
      const file = disks.image("read-only");
      refused([disks.plan("nvme-1", disks.attach(file, "--read-only"))], "is read-only", [file]);
    });

    it("the same disk under two names", () => {
      const file = disks.image("same");
      const device = disks.attach(file);
      const alias = path.join(disks.folder, "alias");
      fs.symlinkSync(device, alias);
      refused([disks.plan("a", device), disks.plan("b", alias)], "it is the same disk as a", [file]);
    });

    it("a disk whose file system was cloned to another disk", () => {
      const file = disks.image("original");
      const disk = disks.plan("nvme-1", disks.attach(file));
      tool("mkfs.ext4", "-q", "-U", disk.uuid, disk.device);
      execFileSync("sync");
      const copy = path.join(disks.folder, "copy.img");
      fs.copyFileSync(file, copy);
      disks.attach(copy);
      refused([disk], "has a file system with the same UUID", [file, copy]);
    });

    it("a path that does not exist", () => {
      refused([disks.plan("nvme-1", "/dev/disk/by-id/nvme-not-there")], "there is no such device", []);
    });

    it("a path that is not a block device", () => {
      const file = disks.image("plain");
      refused([disks.plan("nvme-1", file)], "it is not a block device", [file]);
    });

    it("a kind of device that is not listed", () => {
      const file = disks.image("kind");
      const disk = disks.plan("nvme-1", disks.attach(file));
      const { status, out } = disks.bash(
        render([disk]).replace("DEVICE_TYPES=('loop' 'disk')", "DEVICE_TYPES=('disk')"),
      );
      expect(status).not.to.equal(0);
      expect(out).to.include("is of type 'loop', not a whole disk");
    });

    it("the disk of the operating system, judged without the code that writes", function () {
      const root = execFileSync("findmnt", ["-nvo", "SOURCE", "/"], { encoding: "utf8" }).trim();
      if (!root.startsWith("/dev/")) {
        skipBecause(this, `the root file system is on ${root}, not on a disk`);
      }
      const { out } = judge([disks.plan("nvme-1", root)]);
      expect(out).to.include("verdict: refused").and.include("carries the operating system");
    });

    it("files below the mount point", () => {
      const file = disks.image("stray");
      const disk = disks.plan("nvme-1", disks.attach(file));
      fs.mkdirSync(disk.mountPath, { recursive: true });
      fs.writeFileSync(path.join(disk.mountPath, "stray"), "x");
      refused([disk], `there are files at ${disk.mountPath}`, [file]);
    });

    it("every bad disk is named in one run", () => {
      const plan = ["a", "b", "c"].map((name) => disks.plan(name, disks.attach(disks.image(name, 8))));
      const { out } = disks.run(plan);
      expect(out).to.include("disk a (").and.include("disk b (").and.include("disk c (");
    });

    it("a disk that changes between judgement and formatting", () => {
      const file = disks.image("raced");
      const disk = disks.plan("nvme-1", disks.attach(file));
      const { status, out } = disks.bash(
        render([disk]).replace('for index in "${BLANK[@]}"; do', `mkswap ${disk.device} >/dev/null 2>&1\n$&`),
      );
      expect(status).not.to.equal(0);
      expect(out).to.include("changed since it was judged").and.include("It was not written to");
      expect(execFileSync("blkid", ["--probe", disk.device], { encoding: "utf8" })).to.include('TYPE="swap"');
    });
  });

  describe("a link that moves while the step runs", () => {
    let link: string;
    let blank: string;
    let films: string;
    let disk: PlannedDevice;
    let toFilms: string;
    let toBlank: string;

    beforeEach(() => {
      [blank, films] = [disks.image("blank"), disks.image("films")];
      const devices = { blank: disks.attach(blank), films: disks.attach(films) };
      tool("mkfs.ext4", "-q", devices.films);
      execFileSync("sync");
      execFileSync("blockdev", ["--flushbufs", devices.films]);
      link = path.join(disks.folder, "by-id");
      fs.symlinkSync(devices.blank, link);
      disk = disks.plan("nvme-1", link);
      toFilms = `ln -sfn ${devices.films} ${link}`;
      toBlank = `ln -sfn ${devices.blank} ${link}`;
    });

    function unharmed(script: string, says: string, images = [blank, films]): void {
      const before = images.map(digest);
      const { status, out } = disks.bash(script);
      execFileSync("sync");
      expect(status, out).not.to.equal(0);
      expect(out).to.include(says);
      expect(images.map(digest), out).to.deep.equal(before);
      expect(fs.readFileSync("/proc/self/mountinfo", "utf8")).not.to.include(disk.mountPath);
    }

    const beforeFormat = (command: string) =>
      render([disk]).replace('for index in "${BLANK[@]}"; do', (loop) => `${command}\n${loop}`);

    it("to the films and back, between the judgement of one disk and the formatting of another", () => {
      disks.wrap("flock", toBlank);
      unharmed(beforeFormat(toFilms), "it holds: ext4");
    });

    it("to the films while the disk is judged", () => {
      // The second run of cmp belongs to the last judgement.
      disks.wrap("cmp", `[ "$n" -lt 2 ] || ${toFilms}`);
      unharmed(render([disk]), `${link} was /dev/loop`);
    });

    it("to the films in the last moment before mkfs", () => {
      // Runs 1 and 2 of wipefs judge, 3 is the look right before.
      disks.wrap("wipefs", `[ "$n" -lt 3 ] || ${toFilms}`);
      unharmed(render([disk]), `${link} was /dev/loop`);
    });

    it("while somebody puts a file system on the disk that was judged", () => {
      disks.wrap("wipefs", `[ "$n" != 3 ] || mkfs.ext4 -q ${fs.realpathSync(link)}`);
      unharmed(render([disk]), "changed since it was judged", [films]);
      expect(execFileSync("blkid", ["--probe", link], { encoding: "utf8" })).not.to.include(disk.uuid);
    });

    it("away: no file is made in its place", () => {
      unharmed(beforeFormat(`rm ${link}`), "is no block device any more");
      expect(fs.existsSync(link)).to.equal(false);
    });

    it("to the films before they would be mounted: mounting writes, too", () => {
      const before = digest(films);
      const { status, out } = disks.bash(
        render([disk]).replace('for index in "${!DISK_NAMES[@]}"; do\n  mount_disk', (loop) => `${toFilms}\n${loop}`),
      );
      execFileSync("sync");
      expect(status, out).not.to.equal(0);
      expect(out).to.include("nothing was mounted").and.include("formatted");
      expect(digest(films)).to.equal(before);
      expect(fs.readFileSync("/proc/self/mountinfo", "utf8")).not.to.include(disk.mountPath);
    });
  });

  it("a disk that cannot be written to is not left mounted by the run that mounted it", () => {
    const disk = disks.plan("nvme-1", disks.attach(disks.image("worn")));
    const { status, out } = disks.bash(render([disk]).replace(/^MOUNT_OPTIONS=.*$/m, "MOUNT_OPTIONS=ro"));
    expect(status, out).not.to.equal(0);
    expect(out).to.include(`${disk.mountPath} is read-only`);
    expect(fs.readFileSync("/proc/self/mountinfo", "utf8")).not.to.include(disk.mountPath);
  });

  function probe(plan: readonly PlannedDisk[]): Record<string, string> {
    const { out } = disks.bash(
      [
        "set -euo pipefail",
        readScript("probe-lib.sh"),
        assignments(probeVariables(plan)),
        readScript("disks/mounts.sh"),
        readScript("disks/disks.probe.sh"),
        "print_facts",
      ].join("\n"),
    );
    return JSON.parse(out) as Record<string, string>;
  }

  function render(plan: readonly PlannedDisk[]): string {
    return disks.render(plan);
  }

  function judge(plan: readonly PlannedDisk[]): { out: string } {
    return disks.bash(
      [
        "set -euo pipefail",
        "DEVICE_TYPES=(loop disk part)",
        assignments(diskVariables(plan)),
        readScript("disks/mounts.sh"),
        readScript("disks/inspect.sh"),
        'judge_disk 0; echo "verdict: $VERDICT"; printf "%s\\n" "${REFUSALS[@]}"',
      ].join("\n"),
    );
  }
});

/** CRC-32 without the final inversion, seeded as LVM does (lib/misc/crc.c). */
function lvmChecksum(data: Buffer): number {
  let crc = 0xf597a6cf;
  for (const byte of data) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) {
      crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
    }
  }
  return crc >>> 0;
}
